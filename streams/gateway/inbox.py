"""Records on their way into Kafka: done only when every replica that must have them does."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from confluent_kafka import KafkaError, KafkaException, Producer

from connectors.errors import RejectedError, RetryableError
from connectors.kafka.client import KafkaSettings, explain, producer_config
from connectors.kafka.codec import Codec, Record
from connectors.kafka.headers import webhook_headers
from connectors.kafka.partition import partition_for
from connectors.kafka.records import VendorRecord
from connectors.kafka.topics import INBOX, Topic

BUSY_SECONDS, IDLE_SECONDS = 0.003, 0.1
"""Between looks for callbacks, while something is on its way and else."""
MESSAGE_TIMEOUT_MS = 10_000
LINGER_MS = 5
"""Requests that come together share a batch, which spares broker and producer more than the wait costs."""
MAX_PENDING = 10_000


class Tenanted(Record, Protocol):
    """A record type that names its tenant."""

    @property
    def tenant(self) -> str:
        """Whose it is, and the key."""
        ...


R_co = TypeVar("R_co", bound=Tenanted, covariant=True)


@dataclass(frozen=True, slots=True)
class Item(Generic[R_co]):
    """A record to be written, with the headers it gets."""

    topic: Topic
    record: R_co
    headers: Sequence[tuple[str, bytes]]


class Inbox:
    """A plain idempotent producer. Its callbacks are served by the event loop, so that no thread wakes it for each.

    Args:
        kafka: the cluster.
        codec: warmed for the topics, so that encoding asks nobody.
    """

    def __init__(self, kafka: KafkaSettings, codec: Codec) -> None:
        config = producer_config(kafka, "sluiceway-gateway")
        config |= {"message.timeout.ms": MESSAGE_TIMEOUT_MS, "queue.buffering.max.messages": MAX_PENDING}
        config["linger.ms"] = LINGER_MS
        self._producer = Producer(config | {"error_cb": self._on_error})
        self._codec = codec
        self._partitions = kafka.partitions
        self._loop = asyncio.get_running_loop()
        self._failed: asyncio.Future[None] = self._loop.create_future()
        self._pending = 0
        self._next: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to serve callbacks."""
        self._serve_in(IDLE_SECONDS)

    async def failure(self) -> None:
        """Wait until the producer can write nothing any more.

        Raises:
            KafkaException: why.
        """
        await asyncio.shield(self._failed)

    async def put(self, records: Sequence[VendorRecord], trace: str) -> None:
        """Write records of webhooks into the inbox; returns and raises as `send`."""
        await self.send([Item(INBOX, record, webhook_headers(record, trace)) for record in records])

    async def send(self, items: Sequence[Item[Tenanted]]) -> None:
        """Return when all records are acknowledged; after an error some may have been written, and may be repeated.

        Raises:
            RetryableError: no room, or Kafka does not acknowledge.
            RejectedError: a record is larger than the topic takes.
        """
        acks = [self._produce(item) for item in items]
        try:
            await asyncio.gather(*acks)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                raise RejectedError("a record is larger than the topic takes") from error
            raise RetryableError(f"Kafka does not acknowledge: {explain(error)}") from error

    def _produce(self, item: Item[Tenanted]) -> asyncio.Future[None]:
        acknowledged: asyncio.Future[None] = self._loop.create_future()

        def delivered(error: KafkaError | None, _: Any) -> None:
            self._pending -= 1
            _settle(acknowledged, error)

        try:
            self._producer.produce(
                item.topic.name,
                key=item.record.tenant.encode(),
                value=self._codec.encode(item.topic, item.record),
                partition=partition_for(item.record.tenant, self._partitions),
                headers=list(item.headers),
                on_delivery=delivered,
            )
        except BufferError:
            acknowledged.set_exception(RetryableError("too much is waiting for Kafka"))
        except KafkaException as error:
            _settle(acknowledged, error.args[0])
        else:
            self._pending += 1
            if self._pending == 1:
                self._serve_in(BUSY_SECONDS)
        return acknowledged

    def _serve_in(self, seconds: float) -> None:
        if self._next is not None:
            self._next.cancel()
        self._next = self._loop.call_later(seconds, self._serve)

    def _serve(self) -> None:
        self._producer.poll(0)
        self._serve_in(BUSY_SECONDS if self._pending else IDLE_SECONDS)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            _settle(self._failed, error)

    async def stop(self) -> None:
        """Wait for what is on its way, as long as a record may take, and end."""
        self._failed.cancel()
        end = self._loop.time() + MESSAGE_TIMEOUT_MS / 1000
        while self._pending and self._loop.time() < end:  # noqa: ASYNC110  `_serve` goes on meanwhile
            await asyncio.sleep(BUSY_SECONDS)
        if self._next is not None:
            self._next.cancel()
        await asyncio.to_thread(self._producer.flush, 0)


def _settle(acknowledged: asyncio.Future[None], error: KafkaError | None) -> None:
    if acknowledged.done():
        return
    if error is None:
        acknowledged.set_result(None)
    else:
        acknowledged.set_exception(KafkaException(error))
