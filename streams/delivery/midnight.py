"""Tells each tenant of a partition, once, that its business day begins; who owns the partition tells it.

The row of the day told last and the record of the inbox are one commit, so that neither a crash nor another owner tells
a day twice. Who was not there at midnight tells the day that it is then; days gone by meanwhile are left out.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors.kafka.partition import partition_for
from connectors.kafka.records import Tick
from streams.delivery.outbox import Outbox
from streams.delivery.pulse import Pulse
from streams.delivery.rows import TickRow
from streams.delivery.tables import Put, Tables
from streams.delivery.tools import DeliveryTools
from streams.delivery.waits import until
from streams.runtime.types import Output, ShardLostError, StateShard

DAY = timedelta(days=1)
SOON_SECONDS = 1.0
"""Never look again sooner: a clock may wake a moment before the midnight that it was asked for."""


class Midnight:
    """One per owned partition.

    Args:
        shard: the partition.
        tools: clock, codec and directory.
        tenants: returns all connected tenants.
    """

    def __init__(self, shard: StateShard, tools: DeliveryTools, tenants: Callable[[], Sequence[str]]) -> None:
        self._shard = shard
        self._tools = tools
        self._tenants = tenants
        self._tables = Tables(tools.codec)
        self._outbox = Outbox(tools.codec, tools.partitions)
        self._changed = Pulse(tools.clock)
        self._stale = False

    def wake(self) -> None:
        """Say that a connection is new or has changed."""
        self._stale = True
        self._changed.beat()

    async def run(self) -> None:
        """Tell days until cancelled; ends quietly when the shard is lost."""
        try:
            while True:
                self._stale = False
                now = self._tools.clock.now()
                zones = self._zones()
                await self._tell(zones, now)
                nexts = [_midnight_after(now, zone) for zone in set(zones.values())]
                wait = until(min(nexts), now) if nexts else None
                if not self._stale:
                    await self._changed.wait(None if wait is None else max(wait, SOON_SECONDS))
        except ShardLostError:
            return

    def _zones(self) -> dict[str, ZoneInfo]:
        """Return the zones of the partition's tenants."""
        mine = [t for t in self._tenants() if partition_for(t, self._tools.partitions) == self._shard.partition]
        found = {tenant: self._tools.directory.get(tenant) for tenant in mine}
        return {tenant: ZoneInfo(connection.zone) for tenant, connection in found.items() if connection is not None}

    async def _tell(self, zones: dict[str, ZoneInfo], now: datetime) -> None:
        outputs: list[Output] = []
        rows: list[Put] = []
        for tenant, zone in zones.items():
            today = now.astimezone(zone).date()
            told = self._tables.ticks.get(self._shard, tenant)
            if told is None or told.on < today:
                outputs.append(self._outbox.tick(Tick(tenant, today, now)))
                rows.append(self._tables.ticks.put(TickRow(today), tenant))
        if rows:
            await self._shard.commit(outputs, dict(rows))


def _midnight_after(now: datetime, zone: ZoneInfo) -> datetime:
    tomorrow = now.astimezone(zone).date() + DAY
    return datetime.combine(tomorrow, time.min, zone).astimezone(UTC)
