"""What is looked at before anything starts: disk, leftovers of an earlier run, ports."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterable

import psutil

from connectors.kafka.embedded.ports import is_free
from streams.local.errors import LocalError
from streams.local.plan import Say, Step
from streams.local.state import ServiceState, StackState

_LEFTOVER_SECONDS = 15.0


async def remove_leftovers(earlier: StackState | None, say: Say) -> None:
    """Wait for the processes of a run that ended uncleanly, and end those that stay.

    Their guardians stop them within their grace; only a guardian that was killed as well leaves one behind.
    """
    left = [process for service in (earlier.services if earlier else []) if (process := _alive(service))]
    if not left:
        return
    say(f"an earlier run ended without stopping; waiting for {len(left)} of its processes to end")
    _, stubborn = await asyncio.to_thread(psutil.wait_procs, left, _LEFTOVER_SECONDS)
    for process in stubborn:
        say(f"ending {process.pid}, left over from an earlier run")
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    await asyncio.to_thread(psutil.wait_procs, stubborn, _LEFTOVER_SECONDS)


def _alive(service: ServiceState) -> psutil.Process | None:
    if service.pid is None:
        return None
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(service.pid)
        if process.create_time() == service.created and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def require_ports(steps: Iterable[Step], host: str) -> None:
    """Check that every port the steps want is free.

    Raises:
        LocalError: some are not; names them all, who has them, and the settings that move ours.
    """
    taken = [
        f"port {port}, wanted by {step.name}, is taken{_by_whom(port)}: "
        f"stop that, or move ours with SLUICEWAY_PORTS__{name.upper()}=<free port>"
        for step in steps
        for name, port in step.ports.items()
        if not is_free(port, host)
    ]
    if taken:
        raise LocalError("\n".join(taken))


def _by_whom(port: int) -> str:
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN and connection.laddr[1:] == (port,) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    return ""
