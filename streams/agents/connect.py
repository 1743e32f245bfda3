"""The connect agent: commands into work lists, and beside it the deliveries and sources of the owned tenants."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from connectors.kafka.codec import Codec
from connectors.kafka.partition import partition_for
from connectors.kafka.records import Command, Connection
from streams.connections import Directory
from streams.delivery.delivery import Delivery
from streams.delivery.midnight import Midnight
from streams.delivery.tools import DeliveryTools
from streams.runtime.layers import Layer
from streams.runtime.ownership import LEAVE_SECONDS, Tasks
from streams.runtime.shard import Shard
from streams.runtime.types import Output, Record, ShardLostError

Lag = Callable[[int], float]


@dataclass(slots=True)
class Office:
    """What runs for one owned partition.

    Attributes:
        delivery: its work.
        running: the delivery's task.
        midnight: tells its tenants that their day begins.
        ticking: the midnight's task.
        sources: the running sources by tenant and vendor.
    """

    delivery: Delivery
    running: "asyncio.Task[None]"
    midnight: Midnight
    ticking: "asyncio.Task[None]"
    sources: dict[tuple[str, str], "asyncio.Task[None]"] = field(default_factory=dict)


class Connect:
    """Handles commands, and starts and stops what runs beside.

    Args:
        tools: of the deliveries.
        codec: for commands.
        directory: who is connected; to be set before the first shard is gained.
        lag: seconds by which inbox and command of a partition are behind.
    """

    def __init__(self, tools: DeliveryTools, codec: Codec, directory: Directory, lag: Lag) -> None:
        self._tools = tools
        self._codec = codec
        self._directory = directory
        self._lag = lag
        self._tasks = Tasks()
        self._offices: dict[int, Office] = {}

    def __call__(self, record: Record, layer: Layer) -> Sequence[Output]:
        """Take one command in.

        Raises:
            DecodeError, RejectedError: dead letter.
            UnknownSchemaError: wait for the registry.
            ShardLostError: the partition is being given up; its next owner takes the command in.
        """
        command = self._codec.decode_as(record.value or b"", Command)
        office = self._offices.get(record.partition)
        if office is None:
            raise ShardLostError
        return office.delivery.take(command, record, layer)

    async def gained(self, shard: Shard) -> None:
        """Begin the work of a partition."""
        delivery = Delivery(shard, self._tools)
        midnight = Midnight(shard, self._tools, self._directory.tenants)
        running, ticking = self._tasks.spawn(delivery.run()), self._tasks.spawn(midnight.run())
        self._offices[shard.partition] = Office(delivery, running, midnight, ticking)
        for tenant in self._directory.tenants():
            self._start_sources(tenant)

    async def losing(self, shard: Shard) -> None:
        """End the work of a partition; what is under way stays in doubt."""
        office = self._offices.pop(shard.partition, None)
        if office is None:
            return
        tasks = [office.running, office.ticking, *office.sources.values()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks, timeout=LEAVE_SECONDS)

    def committed(self, shard: Shard) -> None:
        """Let the delivery see what was taken in."""
        if (office := self._offices.get(shard.partition)) is not None:
            office.delivery.wake()

    def changed(self, tenant: str, _connection: Connection | None) -> None:
        """Follow a change of a connection."""
        if (office := self._office(tenant)) is not None:
            office.delivery.connection_changed(tenant)
            office.midnight.wake()
        self._start_sources(tenant)

    def _office(self, tenant: str) -> Office | None:
        return self._offices.get(partition_for(tenant, self._tools.partitions))

    def _start_sources(self, tenant: str) -> None:
        """Start the sources of a tenant's vendors that do not run yet; a vendor without one ends at once."""
        connection, office = self._directory.get(tenant), self._office(tenant)
        if office is None:
            return
        for vendor in connection.vendors if connection else ():
            running = office.sources.get((tenant, vendor))
            if running is None or running.done():
                lag = partial(self._lag, partition_for(tenant, self._tools.partitions))
                source = office.delivery.source(tenant, vendor, lag)
                office.sources[tenant, vendor] = self._tasks.spawn(source.run())
