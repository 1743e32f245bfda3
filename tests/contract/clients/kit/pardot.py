"""A business unit of the Pardot sandbox, and an HTTP client of it written from the vendor's guide."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from connectors.sandbox.server import serve

API = "/api/v5"
BASE = f"{API}/objects"


class StandingClock:
    """A clock that moves only when told."""

    def __init__(self) -> None:
        self.instant = datetime(2026, 3, 1, 12, tzinfo=UTC)

    def now(self) -> datetime:
        """The instant it stands at."""
        return self.instant

    async def sleep(self, seconds: float) -> None:
        """Move on at once."""
        self.instant += timedelta(seconds=seconds)


class BusinessUnit:
    """The unit of account `acme`, and calls to it as its integration user."""

    def __init__(self, http: httpx.AsyncClient, known: dict[str, Any]) -> None:
        self.http = http
        self.known = known

    async def call(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Call the API, whatever the answer."""
        return await self.http.request(method, path if path.startswith("/") else f"{BASE}/{path}", **more)

    async def get(self, path: str, **params: Any) -> Any:
        """Read or query; return the JSON of the answer."""
        answer = await self.call("GET", path, params=params)
        assert answer.is_success, answer.text
        return answer.json()

    async def ids(self, path: str, **params: Any) -> list[int]:
        """Return the ids that a query finds."""
        return [row["id"] for row in (await self.get(path, **{"fields": "id", **params}))["values"]]

    async def post(self, path: str, body: dict[str, Any], status: int = 201, **params: Any) -> Any:
        """Post; return the JSON of the answer, None where it is empty."""
        answer = await self.call("POST", path, json=body, params=params)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refusal(self, method: str, path: str, **more: Any) -> tuple[int, int]:
        """Return status and code of a refused call."""
        answer = await self.call(method, path, **more)
        assert set(answer.json()) == {"code", "message"}, answer.text
        return answer.status_code, answer.json()["code"]

    async def prospect(self, email: str, **values: Any) -> int:
        """Make a prospect; return its id."""
        made: int = (await self.post("prospects", {"email": email, **values}))["id"]
        return made

    async def switch(self, **settings: Any) -> None:
        """Set switches as an administrator."""
        body = {"account": "acme", "settings": settings}
        assert (await self.http.post("/__sandbox/settings", json=body)).is_success


@asynccontextmanager
async def business_unit(data_dir: Path, clock: StandingClock) -> AsyncIterator[BusinessUnit]:
    """Serve the sandbox on a free port, and log in with a token from the token endpoint."""
    served = await serve(["pardot"], data_dir, {"pardot": 0}, clock=clock)
    async with httpx.AsyncClient(base_url=served.url("pardot"), timeout=60) as http:
        known = (await http.get("/__sandbox/credentials", params={"account": "acme"})).json()
        form = {"grant_type": "client_credentials"} | {name: known[name] for name in ("client_id", "client_secret")}
        token = (await http.post("/services/oauth2/token", data=form)).json()["access_token"]
        http.headers["Authorization"] = f"Bearer {token}"
        http.headers["Pardot-Business-Unit-Id"] = known["business_unit_id"]
        yield BusinessUnit(http, known)
    await served.aclose()
