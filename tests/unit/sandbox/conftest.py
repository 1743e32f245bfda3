"""A toy vendor, served like the real ones."""

from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import Build, SandboxContext, Vendor, plain_operation
from connectors.sandbox.json_text import Json, loads
from connectors.sandbox.limits import Limit
from connectors.sandbox.server import Sandboxes, serve


class StandingClock:
    """A clock that moves only when told; sleeping moves it."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.instant

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.instant += timedelta(seconds=seconds)


def toy(ctx: SandboxContext) -> Vendor:
    """Notes that can be posted; the account is in the path."""
    ctx.limits.declare([Limit("per second", 5, 1.0)])
    ctx.webhooks.declare(lambda _body, secret: {"x-secret": secret}, [0.01])

    async def post(request: Request) -> Response:
        account = request.path_params["account"]
        if not ctx.limits.admit(account, "per second"):
            return Json({"error": "too fast"}, status_code=429)
        body = loads(await request.body())
        id_ = str(ctx.database.next(account, "note"))
        ctx.database.put(account, "Note", id_, {"Id": id_, **body})
        ctx.wrote(account, "Note")
        ctx.webhooks.enqueue(account, id_.encode(), {})
        if "refuse" in body:
            return Json({"error": "refused"}, status_code=400)
        return Json({"Id": id_, "at": ctx.clock.now().isoformat(), **body})

    def seed(account: str, size: int, seed: int) -> dict[str, int]:
        for number in range(size):
            ctx.database.put(account, "Note", f"seed-{number}", {"text": derive("toy", str(seed), str(number))})
        return {"Note": size}

    return Vendor(
        app=Starlette(routes=[Route("/{account}/notes", post, methods=["POST"])]),
        open_account=lambda name: {"client_id": f"id-{name}", "client_secret": derive("toy", name, "secret")},
        furnish=lambda name: ctx.database.put(name, "Note", "welcome", {"text": "welcome"}),
        credentials=lambda name, _url: {"client_id": f"id-{name}"},
        account_of=lambda request: request.url.path.split("/")[1],
        operation_of=plain_operation,
        throttled=lambda _request: Json({"error": "throttled"}, status_code=429),
        records=ctx.database.all,
        seed=seed,
        settings={"loud": False},
    )


@pytest.fixture
def clock() -> StandingClock:
    """The clock of the served sandboxes."""
    return StandingClock()


@pytest.fixture
async def start(tmp_path: Path, clock: StandingClock) -> AsyncIterator[Callable[..., Any]]:
    """Serve vendors on free ports over one data folder; all are stopped at the end."""
    running: list[Sandboxes] = []

    async def begin(table: Mapping[str, tuple[int, Build]] | None = None) -> Sandboxes:
        chosen = table or {"toy": (0, toy)}
        served = await serve(list(chosen), tmp_path, dict.fromkeys(chosen, 0), table=chosen, clock=clock)
        running.append(served)
        return served

    yield begin
    for served in running:
        await served.aclose()


@pytest.fixture
async def toy_client(start: Callable[..., Any]) -> AsyncIterator[httpx.AsyncClient]:
    """An HTTP client of the served toy vendor."""
    served = await start()
    async with httpx.AsyncClient(base_url=served.url("toy")) as client:
        await client.get("/__sandbox/credentials", params={"account": "a"})
        yield client
