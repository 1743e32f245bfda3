"""What runs, asked of the services themselves."""

import asyncio
from dataclasses import dataclass

from connectors.kafka.embedded.probe import answers
from streams.local.state import ServiceState, StateFile


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """One process as it is now."""

    name: str
    ready: bool
    pid: int | None
    address: str
    restarts: int
    log: str


@dataclass(frozen=True, slots=True)
class Status:
    """A data directory's stack as it is now; `phase` is `down` when nothing runs, `pid` is the supervisor's."""

    phase: str
    pid: int | None
    ready: bool
    services: tuple[ServiceStatus, ...]


DOWN = Status("down", None, ready=False, services=())


async def status(file: StateFile) -> Status:
    """Read what the supervisor wrote and ask every service whether it is ready."""
    state = file.read() if file.held() else None
    if state is None:
        return DOWN
    services = await asyncio.gather(*(_ask(service) for service in state.services))
    return Status(state.phase, state.pid, all(service.ready for service in services), tuple(services))


async def _ask(service: ServiceState) -> ServiceStatus:
    replies = await asyncio.gather(*(answers(url) for url in service.ready_urls))
    ready = service.pid is not None and all(replies)
    return ServiceStatus(service.name, ready, service.pid, service.address, service.restarts, service.log)


def table(status: Status) -> str:
    """Return the status as lines for a person."""
    if status is DOWN:
        return "nothing runs"
    rows = [("service", "state", "pid", "restarts", "address"), *(_row(service) for service in status.services)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _row(service: ServiceStatus) -> tuple[str, ...]:
    state = "ready" if service.ready else "not ready"
    return (service.name, state, str(service.pid or "-"), str(service.restarts), service.address)
