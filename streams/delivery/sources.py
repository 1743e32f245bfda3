"""Reads one connection's source: every page and the cursor after it in one commit."""

import logging
from collections.abc import AsyncIterator, Callable

from connectors.errors import ConnectorError, RetryableError
from connectors.ports import Batch, Connector, Source
from streams import metrics
from streams.delivery.calls import expected
from streams.delivery.desk import ClosedError, Desk, StoppedError, UnsentError
from streams.delivery.echoes import Echoes, Effects
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
        self._read_at = desk.now()
        AGES.add(self, desk.vendor)

    @property
    def age_seconds(self) -> float:
        """How long ago the source was last read to its end."""
        return until(self._desk.now(), self._read_at)

    async def run(self) -> None:
        """Read until cancelled; ends quietly when the shard is lost, given up, or the vendor has no source."""
        desk, failures = self._desk, 0
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
                    failures += 1
                    await self._failed(error, failures)
                else:
                    failures = 0
                    self._read_at = desk.now()
                    await desk.clock.sleep(desk.timing.poll)
        except (ShardLostError, StoppedError):
            logger.info("%s source: given up with its shard", desk.vendor)

    async def _failed(self, error: ConnectorError, failures: int) -> None:
        desk = self._desk
        if await desk.pause_for(error):
            return
        wanted = error.retry_after if isinstance(error, RetryableError) else None
        wait = wanted if wanted is not None else backoff(failures, desk.tools.rng)
        logger.warning("%s source: %s: %s; again in %.1f s", desk.vendor, type(error).__name__, error, wait)
        await desk.clock.sleep(wait)

    async def _read(self, connector: Connector, source: Source) -> None:
        """Read from the stored cursor until there is nothing newer."""
        desk = self._desk
        row = desk.tables.cursors.get(desk.shard, desk.tenant, desk.vendor)
        pages = source.read(row.cursor if row else None)
        try:
            if await self._page(connector, pages, LIVE_FIRST):
                await self._room()
                while await self._page(connector, pages, BACKFILL_LAST):
                    await self._room()
        finally:
            # An asynchronous generator left behind would end at a time of the collector's choosing.
            if (aclose := getattr(pages, "aclose", None)) is not None:
                await aclose()

    async def _page(self, connector: Connector, pages: AsyncIterator[Batch], priority: int) -> bool:
        """Read and commit the next page; False: there is none."""
        desk = self._desk
        permit = await desk.permit(connector, priority)
        try:
            await desk.begin(permit)
        except UnsentError:
            await desk.give_back(permit)
            raise
        try:
            with desk.paced(permit):
                batch = await expected(_next(pages))
        except ConnectorError:
            await desk.end(permit)
            raise
        if batch is None:
            await desk.end(permit)
            return False
        await self._echoes.publish(permit, batch.records, lambda: self._effects(batch))
        for raw in batch.records:
            metrics.SOURCE_RECORDS.labels(desk.vendor, raw.object).inc()
        return True

    def _effects(self, batch: Batch) -> Effects:
        desk, now = self._desk, self._desk.now()
        outputs = [desk.outbox.read(desk.tenant, desk.vendor, raw, "poll", now) for raw in batch.records]
        return outputs, [desk.tables.cursors.put(CursorRow(batch.cursor, now), desk.tenant, desk.vendor)]

    async def _room(self) -> None:
        """Wait until the tenant's work can take another page of a backfill."""
        while self._todos() >= MOST_TODOS or self._lag() >= MOST_LAG_SECONDS:
            await self._desk.clock.sleep(LOOK_SECONDS)


async def _next(pages: AsyncIterator[Batch]) -> Batch | None:
    return await anext(pages, None)


AGES = Watch[SourceRunner](metrics.SOURCE_AGE_SECONDS, max, lambda runner: runner.age_seconds)
