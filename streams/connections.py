"""Who is connected: the whole of `connection.v1` in memory."""

import logging
from collections.abc import Callable, Sequence
from functools import partial

from connectors.errors import DecodeError, UnknownSchemaError
from connectors.kafka.client import KafkaSettings
from connectors.kafka.codec import Codec
from connectors.kafka.records import Connection
from connectors.kafka.topics import CONNECTION
from streams.follower import Entry, Follower

logger = logging.getLogger(__name__)

Changed = Callable[[str, Connection | None], None]


class Directory(Follower):
    """Every tenant's connection, followed as it changes.

    Args:
        kafka: the cluster.
        codec: with a registry behind it.
        changed: called for each record read, from the beginning of the topic on; None: disconnected.
    """

    def __init__(self, kafka: KafkaSettings, codec: Codec, changed: Changed | None = None) -> None:
        super().__init__(kafka, CONNECTION, "sluiceway-directory", self._read_entry, what="connections")
        self._codec = codec
        self._changed = changed
        self._connections: dict[str, Connection] = {}

    def follow(self, changed: Changed) -> None:
        """Tell `changed` instead of whom was given first; before `start`."""
        self._changed = changed

    def get(self, tenant: str) -> Connection | None:
        """Return a tenant's connection."""
        return self._connections.get(tenant)

    def tenants(self) -> Sequence[str]:
        """Return all tenants, sorted."""
        return sorted(self._connections)

    def account_of(self, tenant: str, vendor: str) -> str | None:
        """Return the tenant's company at the vendor; None: not connected there."""
        connection = self._connections.get(tenant)
        found = connection.vendors.get(vendor) if connection else None
        return found.account if found else None

    def setting(self, tenant: str, vendor: str, name: str) -> str:
        """Return a setting of a tenant's vendor, `""` if there is none."""
        connection = self._connections.get(tenant)
        found = connection.vendors.get(vendor) if connection else None
        return found.settings.get(name, "") if found else ""

    def _read_entry(self, entry: Entry) -> Callable[[], None]:
        """Read a record; a broken one is passed over: what we had of this tenant stays."""
        try:
            connection = None if entry.value is None else self._codec.decode_as(entry.value, Connection)
        except UnknownSchemaError:
            raise
        except DecodeError as error:
            logger.error("connection of tenant %s is unreadable, apply it again: %s", entry.key, error)  # noqa: TRY400
            return lambda: None
        return partial(self._note, entry.key, connection)

    def _note(self, tenant: str, connection: Connection | None) -> None:
        if connection is None:
            self._connections.pop(tenant, None)
        else:
            self._connections[tenant] = connection
        if self._changed is not None:
            self._changed(tenant, connection)
