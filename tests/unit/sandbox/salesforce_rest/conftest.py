"""A session of one org."""

from collections.abc import AsyncIterator

import httpx
import pytest

from connectors.sandbox.salesforce.app import build
from tests.unit.sandbox.kit.salesforce import Start, credentials_of


async def _connect(start: Start) -> httpx.AsyncClient:
    served = await start({"salesforce": (0, build)})
    http = httpx.AsyncClient(base_url=served.url("salesforce"))
    known = await credentials_of(http)
    form = {
        "grant_type": "client_credentials",
        "client_id": known["client_id"],
        "client_secret": known["client_secret"],
    }
    granted = (await http.post("/services/oauth2/token", data=form)).json()
    http.headers["Authorization"] = f"Bearer {granted['access_token']}"
    return http


@pytest.fixture
async def api(start: Start) -> AsyncIterator[httpx.AsyncClient]:
    """A client with a session of org `acme`."""
    http = await _connect(start)
    yield http
    await http.aclose()
