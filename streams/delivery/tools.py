"""What the delivery is given: its shard, the connectors, the connections and the process's clock and randomness."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from connectors.kafka.codec import Codec
from connectors.kafka.records import Connection
from connectors.ports import Clock, Connector


class Directory(Protocol):
    """The connections as `connection.v1` has them now.

    Whoever keeps it calls `Delivery.connection_changed(tenant)` after a change.
    """

    def get(self, tenant: str) -> Connection | None:
        """Return a tenant's connection, None for an unknown tenant."""
        ...


@dataclass(frozen=True, slots=True)
class DeliveryTools:
    """Shared by all shards of a process.

    Attributes:
        connectors: returns the open connector of tenant and vendor, the same one until its connection changes; None
            if the tenant has no such connection. May raise FatalError: a setting is wrong.
        partitions: of every topic.
        rng: jitter of back-offs.
    """

    codec: Codec
    clock: Clock
    connectors: Callable[[str, str], Connector | None]
    directory: Directory
    rng: random.Random
    partitions: int
