"""A streaming source in memory: a log of numbered events, and whoever reads it waits for the next."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from connectors.errors import ConnectorError
from connectors.pacing import room, turn
from connectors.ports import Batch, Raw
from tests.unit.delivery.kit.shard import Point, no_point
from tests.unit.delivery.kit.vendor import FakeVendor

LOOK_SECONDS = 1.0


@dataclass
class Feed:
    """Events come by `publish`; beside them `history` pages of a backfill are read as there is room.

    Attributes:
        requests: how many each page of events needs.
        errors: raised, one at a time, before the next page.
        open: how many readers there are now.
    """

    vendor: FakeVendor = field(default_factory=FakeVendor)
    point: Point = no_point
    requests: int = 0
    history: int = 0
    errors: list[ConnectorError] = field(default_factory=list)
    reads: list[str | None] = field(default_factory=list)
    open: int = 0
    events: int = 0
    name: str = "acme"
    streaming: bool = True
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def publish(self, count: int = 1) -> None:
        """Let events happen."""
        self.events += count
        self._news.set()

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield events and pages of history from just after the cursor, and wait."""
        self.reads.append(cursor)
        event, page = map(int, (cursor or "0/0").split("/"))
        self.open += 1
        try:
            while True:
                await self.point("before read")
                if self.errors:
                    raise self.errors.pop(0)
                if event < self.events:
                    await self._ask()
                    yield self._batch("event", event, f"{event + 1}/{page}", last=event + 1 == self.events)
                    event += 1
                elif page < self.history and room():
                    await self._ask()
                    yield self._batch("page", page, f"{event}/{page + 1}", last=False)
                    page += 1
                else:
                    await self._wait(LOOK_SECONDS if page < self.history else None)
        finally:
            self.open -= 1

    def _batch(self, kind: str, number: int, cursor: str, *, last: bool) -> Batch:
        return Batch([Raw("Account", f"{kind} {number}", "1", b"{}")], cursor, caught_up=last)

    async def _ask(self) -> None:
        for _ in range(self.requests):
            await turn()
            await self.vendor.read("page")

    async def _wait(self, seconds: float | None) -> None:
        self._news.clear()
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return
