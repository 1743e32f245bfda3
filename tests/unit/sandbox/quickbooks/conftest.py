"""A company of the QuickBooks sandbox and somebody who calls its API."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from connectors.sandbox.json_text import loads
from connectors.sandbox.quickbooks.vendor import build

WIDE = ("realm and app per second", "realm per minute", "batch per minute")


class Books:
    """A caller of one company's API."""

    def __init__(self, client: httpx.AsyncClient, credentials: dict[str, Any]) -> None:
        self.client = client
        self.credentials = credentials
        self.headers = {"Authorization": f"Bearer {credentials['access_token']}"}

    async def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One raw call below the realm."""
        url = f"/v3/company/{self.credentials['realm']}/{path}"
        return await self.client.request(method, url, headers=self.headers, **options)

    async def read(self, path: str) -> Any:
        """The content of an answer that must succeed, without its time; decimals kept."""
        answer = await self.call("GET", path)
        assert answer.status_code == 200, answer.text
        [content] = [value for name, value in loads(answer.content).items() if name != "time"]
        return content

    async def save(self, kind: str, body: dict[str, Any], **params: str) -> dict[str, Any]:
        """A write that must succeed; decimals kept."""
        answer = await self.call("POST", kind.lower(), json=body, params=params)
        assert answer.status_code == 200, answer.text
        saved: dict[str, Any] = loads(answer.content)[kind]
        return saved

    async def refused(self, kind: str, body: Any, **params: str) -> tuple[str, str]:
        """(code, element) of a write that must fail with 400."""
        answer = await self.call("POST", kind.lower(), json=body, params=params)
        assert answer.status_code == 400, answer.text
        error = answer.json()["Fault"]["Error"][0]
        return error["code"], error["element"]

    async def query(self, statement: str) -> dict[str, Any]:
        """The content of QueryResponse."""
        answer = await self.call("GET", "query", params={"query": statement})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["QueryResponse"]
        return found

    async def admin(self, path: str, /, **body: Any) -> Any:
        """A POST to the admin API."""
        answer = await self.client.post(f"/__sandbox/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json()

    async def set(self, **settings: Any) -> None:
        """Turn switches of the company."""
        await self.admin("settings", settings=settings)

    async def bill(self, *lines: dict[str, Any], kind: str = "Invoice", **properties: Any) -> dict[str, Any]:
        """A sale of 100, or of these lines, to the customer with id 1, who is made if need be."""
        if not await self.query("select * from Customer where Id = '1'"):
            await self.save("Customer", {"DisplayName": "Acme"})
        detail = {"ItemRef": {"value": "1"}}
        plain = {"DetailType": "SalesItemLineDetail", "Amount": 100, "SalesItemLineDetail": detail}
        return await self.save(kind, {"CustomerRef": {"value": "1"}, "Line": list(lines) or [plain], **properties})


@pytest.fixture
async def books(start: Callable[..., Any]) -> AsyncIterator[Books]:
    """A fresh company with wide limits; the clock stands still."""
    served = await start({"quickbooks": (0, build)})
    async with httpx.AsyncClient(base_url=served.url("quickbooks")) as client:
        found = Books(client, (await client.get("/__sandbox/credentials")).json())
        await found.admin("limits", limits=dict.fromkeys(WIDE, 10_000))
        yield found
