"""Reads one connection's source: every page and the cursor after it in one commit.

A source that polls is read to its end, again and again, a permit at hand before each page. A `Streaming` one is read
for as long as it runs: it takes a permit when it needs one and keeps itself back where a backfill has no room.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from connectors.errors import ConnectorError, RetryableError
from connectors.pacing import paced
from connectors.ports import Batch, Connector, Source, Streaming
from streams import metrics
from streams.delivery.calls import expected
from streams.delivery.desk import ClosedError, Desk, StoppedError, UnsentError
from streams.delivery.echoes import Echoes, Effects
from streams.delivery.ondemand import OnDemand
from streams.delivery.rows import CursorRow
from streams.delivery.todo import BACKFILL_LAST, LIVE_FIRST
from streams.delivery.waits import backoff, until
from streams.delivery.watch import Watch
from streams.runtime.types import ShardLostError

MOST_TODOS = 10_000
MOST_LAG_SECONDS = 1.0
LOOK_SECONDS = 1.0

logger = logging.getLogger(__name__)


class SourceRunner:
    """Made by `Delivery.source`; run it beside the delivery, as one task."""

    def __init__(self, desk: Desk, echoes: Echoes, todos: Callable[[], int], lag: Callable[[], float]) -> None:
        self._desk = desk
        self._echoes = echoes
        self._todos = todos
        self._lag = lag
        self._failures = 0
        self._read_at = desk.now()
        AGES.add(self, desk.vendor)

    @property
    def age_seconds(self) -> float:
        """How long ago nothing newer was left at the vendor."""
        return until(self._desk.now(), self._read_at)

    async def run(self) -> None:
        """Read until cancelled; ends quietly when the shard is lost, given up, or the vendor has no source."""
        desk = self._desk
        try:
            while True:
                connector = await desk.opened()
                if connector.source is None:
                    return
                try:
                    await self._read(connector, connector.source)
                except ClosedError:
                    continue
                except UnsentError:
                    await desk.clock.sleep(LOOK_SECONDS)
                except ConnectorError as error:
                    await self._failed(error)
                else:
                    self._failures = 0
                    self._read_at = desk.now()
                    await desk.clock.sleep(desk.timing.poll)
        except (ShardLostError, StoppedError):
            logger.info("%s source: given up with its shard", desk.vendor)

    async def _failed(self, error: ConnectorError) -> None:
        desk = self._desk
        self._failures += 1
        if await desk.pause_for(error):
            return
        wanted = error.retry_after if isinstance(error, RetryableError) else None
        wait = wanted if wanted is not None else backoff(self._failures, desk.tools.rng)
        logger.warning("%s source: %s: %s; again in %.1f s", desk.vendor, type(error).__name__, error, wait)
        await desk.clock.sleep(wait)

    async def _read(self, connector: Connector, source: Source) -> None:
        """Read from the stored cursor until there is nothing newer."""
        desk = self._desk
        row = desk.tables.cursors.get(desk.shard, desk.tenant, desk.vendor)
        pages = source.read(row.cursor if row else None)
        try:
            if isinstance(source, Streaming) and source.streaming:
                while await self._page(connector, pages, LIVE_FIRST, streaming=True):
                    self._failures = 0
            elif await self._page(connector, pages, LIVE_FIRST):
                await self._wait_for_room()
                while await self._page(connector, pages, BACKFILL_LAST):
                    await self._wait_for_room()
        finally:
            # An asynchronous generator left behind would end at a time of the collector's choosing.
            if (aclose := getattr(pages, "aclose", None)) is not None:
                await aclose()

    async def _page(
        self, connector: Connector, pages: AsyncIterator[Batch], priority: int, *, streaming: bool = False
    ) -> bool:
        """Read and commit the next page; False: there is none."""
        desk = self._desk
        demand = OnDemand(desk, connector, priority, self._has_room)
        if not streaming:
            await demand.take()
        try:
            with paced(demand.grant, demand.room):
                reading = expected(_next(pages))
                batch = await (self._while_offered(connector, reading) if streaming else reading)
        except (ConnectorError, ClosedError) as error:
            await demand.end()
            if demand.refusal is not None:
                raise demand.refusal from error
            raise
        if batch is None:
            await demand.end()
            return False
        origin = "stream" if streaming else "poll"
        await self._echoes.publish(demand.permit, batch.records, lambda: self._effects(batch, origin))
        for raw in batch.records:
            metrics.SOURCE_RECORDS.labels(desk.vendor, raw.object).inc()
        if batch.caught_up:
            self._read_at = desk.now()
        return True

    async def _while_offered(self, connector: Connector, reading: Awaitable[Batch | None]) -> Batch | None:
        """Wait for a page for as long as the connection runs unchanged.

        Raises:
            ClosedError: it does not any more.
        """
        desk, page = self._desk, asyncio.ensure_future(reading)
        tasks: list[asyncio.Future[Any]] = [page]
        try:
            while not page.done():
                if not desk.offers(connector):
                    raise ClosedError
                tasks[1:] = [asyncio.ensure_future(desk.changed.wait())]
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                if not page.done():
                    await tasks[1]
            return await page
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _effects(self, batch: Batch, origin: str) -> Effects:
        desk, now = self._desk, self._desk.now()
        outputs = [desk.outbox.read(desk.tenant, desk.vendor, raw, origin, now) for raw in batch.records]
        return outputs, [desk.tables.cursors.put(CursorRow(batch.cursor, now), desk.tenant, desk.vendor)]

    def _has_room(self) -> bool:
        """Tell whether the tenant's work can take another page of a backfill."""
        return self._todos() < MOST_TODOS and self._lag() < MOST_LAG_SECONDS

    async def _wait_for_room(self) -> None:
        while not self._has_room():
            await self._desk.clock.sleep(LOOK_SECONDS)


async def _next(pages: AsyncIterator[Batch]) -> Batch | None:
    return await anext(pages, None)


AGES = Watch[SourceRunner](metrics.SOURCE_AGE_SECONDS, max, lambda runner: runner.age_seconds)
