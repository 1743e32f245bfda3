"""Who is connected: the whole of `connection.v1` in memory."""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.errors import DecodeError, RetryableError, UnknownSchemaError
from connectors.kafka.client import KafkaSettings, explain, reader_config
from connectors.kafka.codec import Codec
from connectors.kafka.records import Connection
from connectors.kafka.topics import CONNECTION

logger = logging.getLogger(__name__)

Changed = Callable[[str, Connection | None], None]

POLL_SECONDS = 0.1
BATCH = 500
RETRY_SECONDS = 1.0
START_SECONDS = 10.0


class Directory:
    """Every tenant's connection, read in a thread of its own and followed as it changes.

    Args:
        kafka: the cluster.
        codec: with a registry behind it.
        changed: called in the event loop for each record read, from the beginning of the topic on; None: disconnected.
    """

    def __init__(self, kafka: KafkaSettings, codec: Codec, changed: Changed | None = None) -> None:
        self._kafka = kafka
        self._codec = codec
        self._changed = changed
        self._connections: dict[str, Connection] = {}
        self._loaded = asyncio.Event()
        self._stopping = threading.Event()
        self._reader: asyncio.Task[None] | None = None
        self._waits_for: str | None = None

    def follow(self, changed: Changed) -> None:
        """Tell `changed` instead of whom was given first; before `start`."""
        self._changed = changed

    async def start(self) -> None:
        """Begin to read. `wait_ready` tells when the end is reached."""
        self._reader = asyncio.create_task(asyncio.to_thread(self._read, asyncio.get_running_loop()))

    async def wait_ready(self) -> None:
        """Return when everything that was in the topic is known.

        Raises:
            KafkaException: the topic cannot be read.
        """
        if self._reader is None:
            raise RuntimeError("not started")
        loaded = asyncio.create_task(self._loaded.wait())
        try:
            await asyncio.wait({loaded, self._reader}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            loaded.cancel()
        if not self._loaded.is_set():
            self._reader.result()

    async def failure(self) -> None:
        """Wait until the topic can be read no more.

        Raises:
            KafkaException: why.
        """
        if self._reader is not None:
            await asyncio.shield(self._reader)

    async def stop(self) -> None:
        """End the reading. An error it ended with is raised by `wait_ready` and told by `problem`, not here."""
        self._stopping.set()
        if self._reader is not None:
            await asyncio.wait({self._reader})

    @property
    def problem(self) -> str | None:
        """Why this is not to be relied upon; None: it is ready."""
        if self._waits_for is not None:
            return self._waits_for
        if self._reader is not None and self._reader.done():
            error = self._reader.exception()
            return f"connections cannot be read: {_reason(error)}" if error else "connections are no longer read"
        return None if self._loaded.is_set() else "connections are being read"

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

    def _read(self, loop: asyncio.AbstractEventLoop) -> None:
        consumer = Consumer(reader_config(self._kafka, "sluiceway-directory"))
        try:
            open_ends = self._assign(consumer)
            while not self._stopping.is_set():
                messages = consumer.consume(BATCH, POLL_SECONDS)
                updates = [update for message in messages if (update := self._update(message, open_ends)) is not None]
                if updates or not self._loaded.is_set():
                    loop.call_soon_threadsafe(self._take, updates, not open_ends)
        finally:
            consumer.close()

    def _assign(self, consumer: Consumer) -> set[int]:
        metadata = consumer.list_topics(CONNECTION.name, timeout=START_SECONDS).topics[CONNECTION.name]
        if metadata.error is not None:
            raise KafkaException(metadata.error)
        partitions = set(metadata.partitions)
        consumer.assign([TopicPartition(CONNECTION.name, partition, OFFSET_BEGINNING) for partition in partitions])
        return partitions

    def _update(self, message: Message, open_ends: set[int]) -> tuple[str, Connection | None] | None:
        """Return what a message says; a partition whose end it marks is taken off `open_ends`."""
        error = message.error()
        if error is not None:
            partition = message.partition()
            if error.code() == KafkaError._PARTITION_EOF and partition is not None:  # noqa: SLF001  librdkafka's name
                open_ends.discard(partition)
            elif error.fatal() or not error.retriable():
                raise KafkaException(error)
            return None
        tenant, value = _text(message.key()), message.value()
        if value is None:
            return tenant, None
        connection = self._decode(tenant, value if isinstance(value, bytes) else value.encode())
        return (tenant, connection) if connection is not None else None

    def _decode(self, tenant: str, value: bytes) -> Connection | None:
        """Return the connection, once the registry answers; None: broken, what we had of this tenant stays."""
        while not self._stopping.is_set():
            try:
                connection = self._codec.decode_as(value, Connection)
            except (UnknownSchemaError, RetryableError) as error:
                self._waits_for = f"connections wait for the schema registry: {error}"
                self._stopping.wait(RETRY_SECONDS)
                continue
            except DecodeError as error:
                logger.error("connection of tenant %s is unreadable, apply it again: %s", tenant, error)  # noqa: TRY400
                return None
            self._waits_for = None
            return connection
        return None

    def _take(self, updates: Sequence[tuple[str, Connection | None]], complete: bool) -> None:
        for tenant, connection in updates:
            if connection is None:
                self._connections.pop(tenant, None)
            else:
                self._connections[tenant] = connection
            if self._changed is not None:
                self._changed(tenant, connection)
        if complete:
            self._loaded.set()


def _text(key: str | bytes | None) -> str:
    return key.decode() if isinstance(key, bytes) else key or ""


def _reason(error: BaseException) -> str:
    return explain(error) if isinstance(error, KafkaException) else str(error)
