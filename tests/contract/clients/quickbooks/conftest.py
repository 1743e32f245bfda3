"""The QuickBooks sandbox, and Intuit's own clients pointed at it the way their users do."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from intuitlib.client import AuthClient
from quickbooks import QuickBooks

from connectors.sandbox.server import Sandboxes, serve


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Sandboxes]:
    """The QuickBooks sandbox on a free port."""
    running = await serve(["quickbooks"], tmp_path, {"quickbooks": 0})
    yield running
    await running.aclose()


@pytest.fixture
async def credentials(served: Sandboxes) -> dict[str, Any]:
    """What a user would copy from the developer portal; the limits are wide enough for a test in a hurry."""
    async with httpx.AsyncClient(base_url=served.url("quickbooks")) as admin:
        wide = {"realm and app per second": 1000, "realm per minute": 10_000}
        await admin.post("/__sandbox/limits", json={"limits": wide})
        found: dict[str, Any] = (await admin.get("/__sandbox/credentials")).json()
    return found


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, credentials: dict[str, Any]) -> None:
    """The settings a user of the client makes: the CA to trust, and where the API is."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", credentials["ca_file"])
    monkeypatch.setattr(QuickBooks, "api_url_v3", f"{credentials['https_url']}/v3")


@pytest.fixture
async def session(
    credentials: dict[str, Any],
    environment: None,  # noqa: ARG001 - set before the client is built
) -> Callable[..., Any]:
    """Runs a blocking function of a connected client beside the server's loop."""

    def connected() -> QuickBooks:
        return QuickBooks(
            auth_client=make_auth(credentials),
            refresh_token=credentials["refresh_token"],
            company_id=credentials["realm"],
            minorversion=75,
        )

    async def run(work: Callable[[QuickBooks], Any]) -> Any:
        return await asyncio.to_thread(lambda: work(connected()))

    return run


def make_auth(credentials: dict[str, Any]) -> AuthClient:
    """Intuit's own OAuth client, told where the discovery document is."""
    discovery = credentials["https_url"] + "/.well-known/openid_sandbox_configuration"
    return AuthClient(credentials["client_id"], credentials["client_secret"], "https://app.example/cb", discovery)


@pytest.fixture
def auth(environment: None) -> Callable[[dict[str, Any]], AuthClient]:  # noqa: ARG001 - set before a client is built
    """Makes OAuth clients."""
    return make_auth
