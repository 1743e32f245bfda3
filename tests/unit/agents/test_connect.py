"""The connect agent's handler around the coming and going of partitions."""

import random
from typing import Any

import pytest

from connectors.clock import SystemClock
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command
from connectors.kafka.topics import COMMAND
from streams.agents.connect import Connect
from streams.delivery.tools import DeliveryTools
from streams.runtime.layers import Layer
from streams.runtime.types import Record, ShardLostError

CODEC = Codec(LocalIds())


class Nobody:
    """A directory without connections, and a state without rows."""

    def get(self, _: Any) -> None:
        """Return nothing."""

    def tenants(self) -> list[str]:
        """Return no tenant."""
        return []


def test_a_command_of_a_partition_given_up_is_the_next_owners() -> None:
    """While a partition goes, a command is neither taken in nor dead-lettered."""
    nobody: Any = Nobody()
    tools = DeliveryTools(CODEC, SystemClock(), lambda *_: None, nobody, random.Random(1), 4)  # noqa: S311  jitter
    agent = Connect(tools, CODEC, nobody, lambda _: 0.0)
    command = Command("acme", "quickbooks", "PUT", "Customer", "party/1", "party", 1)
    record = Record(COMMAND.name, 0, 7, b"acme", CODEC.encode(COMMAND, command), (), 0)
    with pytest.raises(ShardLostError):
        agent(record, Layer(nobody))
