"""A tenant's commands, a vendor and owners that come and go: what a test of the delivery needs around it."""

import asyncio
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command, Connection, JournalEntry, VendorConnection, VendorRecord, VendorResult
from connectors.kafka.topics import COMMAND, DLQ, INBOX, JOURNAL, REVIEW
from connectors.ports import Connector, Limits, Source, Window
from streams.delivery.delivery import Delivery
from streams.delivery.tools import DeliveryTools
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record
from tests.unit.delivery.kit.shard import Disk, MemoryShard
from tests.unit.delivery.kit.vendor import Answer, FakeVendor
from tests.unit.delivery.kit.virtual import VirtualClock

CODEC = Codec(LocalIds())
TENANT = "t1"
LIMITS = Limits((Window(1000, 60.0),), 10, 2.0)


@dataclass
class Connections:
    """A directory that a test writes into."""

    tenants: dict[str, Connection] = field(default_factory=dict)

    def get(self, tenant: str) -> Connection | None:
        """Return a tenant's connection."""
        return self.tenants.get(tenant)

    def put(self, tenant: str = TENANT, *, paused: bool = False, revision: int = 1, **settings: str) -> None:
        """Set a tenant's connection to the vendor."""
        vendor = VendorConnection("http://127.0.0.1", "realm", paused=paused, settings=settings)
        self.tenants[tenant] = Connection(tenant, revision, {"acme": vendor}, "Europe/Berlin", "EUR")


def put(key: str, version: int = 1, lane: str = "party", **fields: Any) -> Command:
    """Return a command to create or update: `Invoice` for keys below order/, else `Customer`."""
    body = fields.pop("body", None) or {"note": f"{key} v{version}"}
    object_type = "Invoice" if key.startswith("order/") else "Customer"
    settings = {"operation": "PUT", "object": object_type} | fields
    return Command(TENANT, "acme", object_key=key, lane=lane, version=version, body=json.dumps(body), **settings)


def fetch(remote_id: str, promised: str | None = None, object_type: str = "Payment", **fields: Any) -> Command:
    """Return a command to read an object."""
    key = f"fetch/{object_type}/{remote_id}"
    return Command(
        TENANT,
        "acme",
        "FETCH",
        object_type,
        key,
        "fetch",
        1,
        remote_id=remote_id,
        source_version=promised,
        **fields,
    )


class KilledError(BaseException):
    """The process died here."""


class World:
    """Everything around one shard."""

    def __init__(
        self,
        vendor: FakeVendor | None = None,
        limits: Limits = LIMITS,
        *,
        kill_at: Iterable[int] = (),
        max_batch: int = 1,
        source: Source | None = None,
    ) -> None:
        self.vendor = vendor or FakeVendor()
        self.limits = limits
        self.disk = Disk()
        self.directory = Connections()
        self.directory.put()
        self.log: list[Record] = []
        self.points = 0
        self.source = source
        self._kill_at = set(kill_at)
        self._max_batch = max_batch
        self._killed = asyncio.Event()
        self._arrived = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def point(self, name: str) -> None:
        """Pass a place where the process may die."""
        _ = name
        self.points += 1
        if self.points in self._kill_at:
            self._killed.set()
            await asyncio.Event().wait()

    def send(self, *commands: Command, headers: Iterable[tuple[str, bytes]] = ()) -> None:
        """Append commands to the input."""
        for command in commands:
            value = CODEC.encode(COMMAND, command)
            every = [("x-tenant", command.tenant.encode()), *headers]
            self.log.append(Record(COMMAND.name, 0, len(self.log), command.tenant.encode(), value, every, 0))
        self._arrived.set()

    def own(self) -> Delivery:
        """Begin a term as owner."""
        answer = Answer(self.vendor, self.point, self._max_batch)

        async def aclose() -> None: ...

        connector = Connector(self.limits, self.source, answer, answer, aclose)
        tools = DeliveryTools(
            CODEC,
            VirtualClock(),
            lambda *_: connector,
            self.directory,
            random.Random(7),  # noqa: S311  reproducible, not secret
            partitions=1,
        )
        self.shard = MemoryShard(self.disk, 0, self.point)
        self.delivery = Delivery(self.shard, tools)
        self._tasks = [
            asyncio.ensure_future(self.delivery.run()),
            asyncio.ensure_future(self._feed(self.shard, self.delivery)),
        ]
        return self.delivery

    async def _feed(self, shard: MemoryShard, delivery: Delivery) -> None:
        offset = self.disk.next_offset
        while True:
            while offset < len(self.log):
                record = self.log[offset]
                layer = Layer(shard)
                outputs = delivery.take(CODEC.decode_as(record.value or b"", Command), record, layer)
                offset += 1
                await shard.commit(outputs, layer.rows, offset)
                delivery.wake()
            self._arrived.clear()
            await self._arrived.wait()

    async def end(self) -> None:
        """End the term at once, as `kill -9` does."""
        self.shard.kill()
        for task in self._tasks:
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()
        results = await asyncio.gather(*self._tasks, return_exceptions=True)
        for result in results:
            if isinstance(result, Exception):
                raise result

    async def settle(self, seconds: float = 600.0) -> None:
        """Let owners follow one another until nothing is left to do, or the time is up."""
        end = _time() + seconds
        self.own()
        while not self.settled and _time() < end:
            await asyncio.sleep(max(0.02, seconds / 20_000))
            for task in self._tasks:
                if task.done():
                    task.result()
            if self._killed.is_set():
                self._killed.clear()
                await self.end()
                self.own()
        await asyncio.sleep(0.1)
        await self.end()

    @property
    def settled(self) -> bool:
        """Whether every command was taken in and none is left but those that wait for a person."""
        if self.disk.next_offset < len(self.log) or self.delivery.todos(TENANT):
            return False
        return not self.rows("todo")

    def rows(self, table: str) -> list[bytes]:
        """Return the committed rows of a table."""
        prefix = f"{table}\x1f".encode()
        return [value for key, value in self.disk.rows.items() if key.startswith(prefix)]

    def on(self, topic: str) -> list[Output]:
        """Return what was committed to a topic."""
        return [output for output in self.disk.outputs if output.topic == topic]

    @property
    def results(self) -> list[VendorResult]:
        """Return the results in the inbox."""
        return [CODEC.decode_as(o.value or b"", VendorResult) for o in self.on(INBOX.name) if _is(o, VendorResult)]

    @property
    def records(self) -> list[VendorRecord]:
        """Return what was read into the inbox."""
        return [CODEC.decode_as(o.value or b"", VendorRecord) for o in self.on(INBOX.name) if _is(o, VendorRecord)]

    @property
    def journal(self) -> list[JournalEntry]:
        """Return the journal's entries about calls and decisions."""
        return [CODEC.decode_as(o.value or b"", JournalEntry) for o in self.on(JOURNAL.name) if _is(o, JournalEntry)]

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of the journal's entries, in order."""
        return [entry.kind for entry in self.journal]

    @property
    def dead_letters(self) -> list[Output]:
        """Return the dead letters."""
        return self.on(DLQ.name)

    @property
    def reviews(self) -> list[Output]:
        """Return the questions to people."""
        return self.on(REVIEW.name)


def _is(output: Output, kind: Any) -> bool:
    return bool(CODEC.decode(output.value or b"")[0] == kind.SCHEMA)


def _time() -> float:
    return asyncio.get_running_loop().time()
