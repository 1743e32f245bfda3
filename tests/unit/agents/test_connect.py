"""The connect agent's handler around the coming and going of partitions."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from connectors.clock import SystemClock
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command, Connection, Tick
from connectors.kafka.topics import COMMAND
from streams.agents.connect import Connect
from streams.delivery.tools import DeliveryTools
from streams.runtime.layers import Layer
from streams.runtime.types import Record, ShardLostError
from tests.unit.delivery.kit.shard import Disk, MemoryShard
from tests.unit.delivery.kit.virtual import VirtualClock, virtual

CODEC = Codec(LocalIds())


class Nobody:
    """A directory without connections, and a state without rows."""

    def get(self, _: Any) -> None:
        """Return nothing."""

    def tenants(self) -> list[str]:
        """Return no tenant."""
        return []


class Companies:
    """A directory of one tenant."""

    def get(self, tenant: str) -> Connection | None:
        """Return the tenant's connection, of no vendor."""
        return Connection(tenant, 1, {}, "Asia/Tokyo", "JPY")

    def tenants(self) -> list[str]:
        """Return the tenant."""
        return ["acme"]


def test_a_partition_gained_tells_its_tenants_what_day_it_is() -> None:
    """Beside the deliveries runs what tells the days; given up, it ends."""

    async def story() -> list[Tick]:
        companies: Any = Companies()
        tools = DeliveryTools(CODEC, VirtualClock(), lambda *_: None, companies, random.Random(1), 1)  # noqa: S311  jitter
        agent = Connect(tools, CODEC, companies, lambda _: 0.0)
        disk = Disk()
        shard: Any = MemoryShard(disk)
        await agent.gained(shard)
        await asyncio.sleep(86_400)
        await agent.losing(shard)
        await asyncio.sleep(86_400)
        return [CODEC.decode_as(output.value or b"", Tick) for output in disk.outputs]

    first, second = virtual(story())
    assert second.on - first.on == timedelta(days=1)


def test_a_command_of_a_partition_given_up_is_the_next_owners() -> None:
    """While a partition goes, a command is neither taken in nor dead-lettered."""
    nobody: Any = Nobody()
    tools = DeliveryTools(CODEC, SystemClock(), lambda *_: None, nobody, random.Random(1), 4)  # noqa: S311  jitter
    agent = Connect(tools, CODEC, nobody, lambda _: 0.0)
    command = Command("acme", "quickbooks", "PUT", "Customer", "party/1", "party", 1)
    record = Record(COMMAND.name, 0, 7, b"acme", CODEC.encode(COMMAND, command), (), 0)
    with pytest.raises(ShardLostError):
        agent(record, Layer(nobody))
