"""A token endpoint and what else tests of tokens need."""

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx

from connectors.oauth import TokenProvider
from connectors.ports import Secret
from connectors.tokens import MemoryTokenStore

CREDENTIALS = {"client_id": "the-client", "client_secret": "s3cr3t-client", "refresh_token": "s3cr3t-refresh-0"}


class TokenServer:
    """Answers token requests: rotates the refresh token, refuses an old one, fails when told."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.refresh_token = CREDENTIALS["refresh_token"]
        self.issued = 0
        self.failures: list[httpx.Response | Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        self.requests.append(request)
        await self.gate.wait()
        if self.failures:
            failure = self.failures.pop(0)
            if isinstance(failure, Exception):
                raise failure
            return failure
        form = parse_qs(request.content.decode())
        if form["grant_type"] == ["refresh_token"] and form["refresh_token"] != [self.refresh_token]:
            return httpx.Response(400, json={"error": "invalid_grant", "error_description": str(form)})
        self.issued += 1
        self.refresh_token = f"s3cr3t-refresh-{self.issued}"
        answer = {"access_token": f"s3cr3t-access-{self.issued}", "refresh_token": self.refresh_token}
        return httpx.Response(200, json={**answer, "expires_in": 3600})


Make = Callable[..., TokenProvider]


async def until(condition: Callable[[], bool]) -> None:
    """Let the other tasks run until something holds."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be")


async def stored(store: MemoryTokenStore) -> Secret:
    """Return what the store has."""
    secret = await store.get("acme", "quickbooks")
    assert secret is not None
    return secret
