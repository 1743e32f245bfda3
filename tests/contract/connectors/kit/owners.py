"""Owners of a source that die one after the other: the delivery's own runner on a shard in memory."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from connectors.clock import SystemClock
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Connection, VendorConnection, VendorRecord
from connectors.kafka.topics import INBOX
from connectors.ports import Raw
from streams.delivery.delivery import Delivery
from streams.delivery.tools import DeliveryTools
from tests.contract.connectors.kit.company import Company
from tests.unit.delivery.kit.shard import Disk, MemoryShard

CODEC = Codec(LocalIds())
LOOK_SECONDS = 0.01


@dataclass
class Owners:
    """What outlives them is the disk: the records in the inbox, and the rows with the cursor.

    Attributes:
        records: what is in the inbox, in order.
    """

    company: Company
    disk: Disk = field(default_factory=Disk)
    records: list[Raw] = field(default_factory=list)
    _decoded: int = 0

    def get(self, tenant: str) -> Connection | None:
        """Return the connection, as the directory does."""
        # The dead hold their slots for the time of doubt.
        settings = {"poll_seconds": "0.1", "in_doubt_seconds": "0.1"}
        vendor = VendorConnection(str(self.company.admin.base_url), "", settings=settings)
        return Connection(tenant, 1, {self.company.vendor: vendor}, "Europe/Berlin", "EUR")

    async def one(self, done: Callable[[list[Raw]], Awaitable[bool]], die_at: int | None = None) -> None:
        """Own the source until `done`, or until the place to die: before or after the n-th commit."""
        death, passed = asyncio.Event(), 0

        async def point(_: str) -> None:
            nonlocal passed
            passed += 1
            if passed == die_at:
                death.set()
                await asyncio.Event().wait()

        connector = self.company.open()
        tools = DeliveryTools(CODEC, SystemClock(), lambda *_: connector, self, random.Random(7), partitions=1)  # noqa: S311  reproducible
        shard = MemoryShard(self.disk, 0, point)
        runner = Delivery(shard, tools).source(self.company.name, self.company.vendor, lambda: 0.0)
        task, dead = asyncio.ensure_future(runner.run()), asyncio.ensure_future(death.wait())
        try:
            while not (dead.done() or await done(self._look())):
                await asyncio.wait((task, dead), timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                if task.done():
                    task.result()
        finally:
            shard.kill()
            for each in (task, dead):
                each.cancel()
            await asyncio.gather(task, dead, return_exceptions=True)
            await connector.aclose()
            self._look()

    def _look(self) -> list[Raw]:
        """Return what is in the inbox, in order."""
        new, self._decoded = self.disk.outputs[self._decoded :], len(self.disk.outputs)
        values = [output.value or b"" for output in new if output.topic == INBOX.name]
        self.records += [_raw(CODEC.decode_as(value, VendorRecord)) for value in values]
        return self.records


def _raw(record: VendorRecord) -> Raw:
    return Raw(
        record.object,
        record.remote_id,
        record.source_version,
        record.body,
        deleted=record.deleted,
        hint=record.hint,
        merged_into=record.merged_into,
        undeleted=record.undeleted,
        ours=record.ours,
    )
