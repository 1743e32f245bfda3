"""How requests fare: `reply.v1` of the last 24 hours in memory, in every gateway, so that any of them can answer."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

from confluent_kafka import IsolationLevel, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is documented

from connectors.errors import DecodeError, RetryableError, UnknownSchemaError
from connectors.kafka.client import KafkaSettings, client_config
from connectors.kafka.codec import Codec
from connectors.kafka.partition import partition_for
from connectors.kafka.records import Reply
from connectors.kafka.topics import REPLY
from streams.follower import Entry, Follower

KEPT = timedelta(hours=24)
CATCH_UP_SECONDS = 5.0
UNDECIDED = frozenset({"pending", "in_review"})
Name = tuple[str, str]


class Outcomes:
    """The replies by tenant and key; one key may have answers to several bodies, of which one was taken."""

    def __init__(self) -> None:
        self._replies: dict[Name, dict[str, Reply]] = {}
        self._arrived: deque[tuple[datetime, Name]] = deque()
        self._waiting: dict[Name, list[asyncio.Event]] = {}

    def note(self, reply: Reply) -> None:
        """Take in a reply; what was pending never replaces an answer."""
        name = reply.tenant, reply.key
        known = self._replies.setdefault(name, {})
        if reply.state != "pending" or reply.digest not in known:
            known[reply.digest] = reply
            self._arrived.append((reply.at, name))
        self._forget(reply.at - KEPT)
        for waiter in self._waiting.get(name, ()):
            waiter.set()

    def of(self, tenant: str, key: str, digest: str | None = None) -> Reply | None:
        """Return the reply to a body; without a digest, that to the body which was taken."""
        known = self._replies.get((tenant, key), {})
        if digest is not None:
            return known.get(digest)
        taken = [reply for reply in known.values() if reply.state != "conflict"]
        return next((reply for reply in taken if reply.state != "pending"), taken[0] if taken else None)

    async def decided(self, tenant: str, key: str, digest: str, seconds: float) -> Reply | None:
        """Return the reply to a body as soon as it is final, at the latest after `seconds` as it is then."""
        name, waiter = (tenant, key), asyncio.Event()
        self._waiting.setdefault(name, []).append(waiter)
        try:
            async with asyncio.timeout(seconds):
                while (reply := self.of(tenant, key, digest)) is None or reply.state in UNDECIDED:
                    waiter.clear()
                    await waiter.wait()
        except TimeoutError:
            return self.of(tenant, key, digest)
        finally:
            self._waiting[name].remove(waiter)
            if not self._waiting[name]:
                del self._waiting[name]
        return reply

    def _forget(self, before: datetime) -> None:
        while self._arrived and self._arrived[0][0] < before:
            _, name = self._arrived.popleft()
            kept = {digest: reply for digest, reply in self._replies.get(name, {}).items() if reply.at >= before}
            if kept:
                self._replies[name] = kept
            else:
                self._replies.pop(name, None)


class Replies(Follower):
    """Follows every partition of `reply.v1`.

    Args:
        kafka: the cluster.
        codec: warmed for replies.
    """

    def __init__(self, kafka: KafkaSettings, codec: Codec) -> None:
        since = _a_day_ago
        super().__init__(kafka, REPLY, "sluiceway-replies", self._read_entry, what="replies", since=since)
        self.outcomes = Outcomes()
        self._codec = codec
        self._admin = AdminClient(client_config(kafka, "sluiceway-replies"))
        self._partitions = kafka.partitions

    async def caught_up(self, tenant: str) -> None:
        """Return when everything is known that was written about a tenant's requests until now, by any gateway.

        Raises:
            RetryableError: Kafka does not tell in time.
        """
        partition = partition_for(tenant, self._partitions)
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                await self.reached(partition, await asyncio.to_thread(self._end, partition))
        except TimeoutError:
            raise RetryableError("Kafka is slow") from None

    def _end(self, partition: int) -> int:
        """Return the end of a partition, open transactions included: what is before it may be acknowledged already."""
        asked = TopicPartition(REPLY.name, partition)
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        found = self._admin.list_offsets(
            {asked: latest},
            isolation_level=IsolationLevel.READ_UNCOMMITTED,
            request_timeout=CATCH_UP_SECONDS,
        )
        return int(found[asked].result().offset)

    def _read_entry(self, entry: Entry) -> Callable[[], None]:
        try:
            reply = self._codec.decode_as(entry.value or b"", Reply)
        except UnknownSchemaError:
            raise
        except DecodeError:
            return lambda: None
        return partial(self.outcomes.note, reply)


def _a_day_ago() -> int:
    return int((time.time() - KEPT.total_seconds()) * 1000)


def pending(tenant: str, key: str, digest: str, at: datetime) -> Reply:
    """Return what is known of a request that was just taken in."""
    return Reply(tenant, key, digest, "pending", at.astimezone(UTC))
