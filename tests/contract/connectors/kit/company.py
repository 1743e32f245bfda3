"""One company in a sandbox, as its administrator sees it, and our connector connected to it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import httpx

from connectors.ports import Call, Connector, Fetcher, Outcome, Sink, Source

Open = Callable[[], Connector]


@dataclass(frozen=True, slots=True)
class Company:
    """What its administrator sees, and the connector under test.

    Attributes:
        name: the tenant, and the sandbox's account.
        vendor: which sandbox.
        credentials: what `GET /__sandbox/credentials` answers.
        open: opens one more connector, with the same settings and token store.
        admin: a client of the sandbox's own address.
    """

    name: str
    vendor: str
    credentials: dict[str, Any]
    connector: Connector
    open: Open
    admin: httpx.AsyncClient

    @property
    def sink(self) -> Sink:
        """The connector's sink."""
        assert self.connector.sink is not None
        return self.connector.sink

    @property
    def source(self) -> Source:
        """The connector's source."""
        assert self.connector.source is not None
        return self.connector.source

    @property
    def fetcher(self) -> Fetcher:
        """The connector's fetcher."""
        assert self.connector.fetcher is not None
        return self.connector.fetcher

    def reconnected(self) -> "Company":
        """Return the same company with a connector that remembers nothing, as a new process has it."""
        return replace(self, connector=self.open())

    async def write(self, call: Call) -> Outcome:
        """Write one call."""
        [outcome] = await self.sink.write([call])
        return outcome

    async def put(self, path: str, body: dict[str, Any]) -> None:
        """Change something as an administrator."""
        answer = await self.admin.post(f"/__sandbox/{path}", json={"account": self.name, **body})
        assert answer.is_success, answer.text

    async def fault(self, kind: str, **details: Any) -> None:
        """Let the next matching call fail in this way."""
        await self.put("faults", {"kind": kind, "count": 1, **details})

    async def records(self, object_type: str) -> list[dict[str, Any]]:
        """Return what is stored."""
        answer = await self.admin.get(f"/__sandbox/records/{object_type}", params={"account": self.name})
        assert answer.is_success, answer.text
        found: list[dict[str, Any]] = answer.json()["records"]
        return found


Connect = Callable[..., Awaitable[Company]]
