"""A server of webhooks as a process: the gateway's own path into Kafka, or a bare handler on the same server.

The gateway is put together without directory and registry, which no request asks; all else is what `sluiceway gateway`
runs. Prints its port, and when its input closes the processor time it used.
"""

import asyncio
import json
import resource
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.catalogue import VENDORS
from connectors.clock import SystemClock
from connectors.kafka.codec import Codec, LocalIds
from connectors.ports import Secret
from connectors.tokens import FileTokenStore
from streams.gateway.inbox import Inbox
from streams.gateway.secrets import WebhookSecrets
from streams.gateway.seen import Seen
from streams.gateway.webhooks import Webhooks
from streams.http import HttpServer
from streams.settings import Kafka

TENANT, REALM, SECRET, PARTITIONS = "bench", "4620816365", "verifier", 4


@dataclass(frozen=True, slots=True)
class OneCompany:
    """What the directory would answer."""

    problem: str | None = None

    def tenants(self) -> Sequence[str]:
        """Return the one."""
        return [TENANT]

    def account_of(self, tenant: str, vendor: str) -> str | None:
        """Return its realm."""
        return REALM if (tenant, vendor) == (TENANT, "quickbooks") else None

    def setting(self, _tenant: str, _vendor: str, _name: str) -> str:
        """Nothing is set."""
        return ""


async def gateway(servers: str, folder: Path) -> tuple[Starlette, Inbox]:
    """Put the webhooks' path together."""
    kafka = Kafka(bootstrap_servers=servers, partitions=PARTITIONS, replication_factor=1, min_insync_replicas=1)
    clock, tokens = SystemClock(), FileTokenStore(folder / "tokens", bytes(32))
    await tokens.compare_and_set(TENANT, "quickbooks", Secret({"webhook_secret": SECRET}), expected_version=0)
    inbox = Inbox(kafka, Codec(LocalIds()))
    inbox.start()
    seen = Seen(folder / "deliveries", clock)
    seen.load()
    webhooks = Webhooks(VENDORS, OneCompany(), WebhookSecrets(tokens, clock), inbox, seen, (), clock)
    return Starlette(routes=webhooks.routes()), inbox


def bare() -> Starlette:
    """Return a handler that reads the body and answers, nothing else."""

    async def answer(request: Request) -> Response:
        await request.body()
        return JSONResponse({"accepted": 1, "ignored": 0})

    return Starlette(routes=[Route("/webhooks/{vendor}", answer, methods=["POST"])])


async def main(kind: str, servers: str, folder: str) -> None:
    """Serve until the input closes."""
    app, inbox = (bare(), None) if kind == "bare" else await gateway(servers, Path(folder))
    server = HttpServer(app, "127.0.0.1", 0, "none")
    await server.start()
    sys.stdout.write(f"{json.dumps({'port': server.port})}\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    begun = _cpu()
    await asyncio.to_thread(sys.stdin.readline)
    sys.stdout.write(f"{json.dumps({'cpu': _cpu() - begun})}\n")
    sys.stdout.flush()
    await server.stop()
    if inbox is not None:
        await inbox.stop()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
