"""One shard's records on the loop: read, not yet committed."""

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from confluent_kafka import Message

from streams.runtime.breaker import Breaker
from streams.runtime.shard import Shard
from streams.runtime.tries import Tries
from streams.runtime.types import Record


@dataclass(slots=True)
class Feed:
    """What was read of one partition, and why nothing is fed if so.

    Attributes:
        position: offset after the last record that was computed.
        busy: a chunk is with the agent, or is one whose commit must be waited for.
        committing: chunks that are computed and not committed yet.
        paused: the consumer was told to stop reading this partition.
        waits: registry or breaker; empty: it runs.
        end: offset of the partition's end, None while more is to come.
        progress: when something was last committed or caught up, on the monotonic clock.
    """

    shard: Shard
    tries: Tries
    breaker: Breaker
    position: int
    pending: deque[Message] = field(default_factory=deque)
    busy: bool = False
    committing: int = 0
    paused: bool = False
    waits: str = ""
    end: int | None = None
    end_seen: float = 0.0
    progress: float = field(default_factory=time.monotonic)

    @property
    def next_offset(self) -> int:
        """Return the offset of the next record to be read."""
        return offset_of(self.pending[-1]) + 1 if self.pending else self.position

    @property
    def caught_up(self) -> bool:
        """Tell whether the end of the partition was reached and everything before it is committed."""
        return self.end is not None and not (self.pending or self.busy or self.committing)

    @property
    def ready(self) -> bool:
        """Tell whether a chunk can be made: one is computed while at most one is committed."""
        return bool(self.pending) and not self.busy and self.committing < 2 and not self.waits  # noqa: PLR2004  see above

    @property
    def oldest(self) -> int | None:
        """Return the time of the oldest record that waits, in milliseconds since the epoch."""
        return self.pending[0].timestamp()[1] if self.pending else None

    def append(self, messages: Sequence[Message]) -> None:
        """Add records just read; those from before a seek are left out."""
        expected = self.next_offset
        fresh = [message for message in messages if offset_of(message) >= expected]
        if not fresh:
            return
        if self.caught_up:
            self.progress = time.monotonic()
        self.pending.extend(fresh)
        self.end = None

    def at_end(self, offset: int) -> None:
        """Note that the partition ends at `offset`."""
        if offset >= self.next_offset:
            self.end, self.end_seen = offset, time.monotonic()
            self.tries.at_end(offset)

    def take(self, limit: int) -> "Chunk":
        """Return the next records as a chunk."""
        first = offset_of(self.pending[0])
        count = min(self.tries.limit(first, limit), len(self.pending))
        messages = [self.pending.popleft() for _ in range(count)]
        self.busy = True
        self.position = offset_of(messages[-1]) + 1
        return Chunk(self, messages, [record_of(message) for message in messages], self.tries.row(first, self.position))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Records of one shard, in order, for one go of the agent.

    Attributes:
        feed: where they come from.
        messages: as consumed.
        records: the same, as our values.
        trying: what to commit before they are computed; the next chunk then waits for this one's commit.
    """

    feed: Feed
    messages: Sequence[Message]
    records: Sequence[Record]
    trying: bytes | None

    def give_back(self, done: int) -> None:
        """Put all but the first `done` records back to where they were taken from."""
        rest = self.messages[done:]
        if rest:
            self.feed.pending.extendleft(reversed(rest))
            self.feed.position = offset_of(rest[0])


def offset_of(message: Message) -> int:
    """Return a consumed message's offset."""
    return message.offset() or 0


def record_of(message: Message) -> Record:
    """Return a consumed message as our value."""
    return Record(
        message.topic() or "",
        message.partition() or 0,
        offset_of(message),
        _raw(message.key()),
        _raw(message.value()),
        _headers(message),
        message.timestamp()[1],
    )


def _headers(message: Message) -> list[tuple[str, bytes]]:
    found = message.headers() or []
    pairs = found.items() if isinstance(found, dict) else found
    return [(str(pair[0]), _raw(pair[1]) or b"") for pair in pairs]


def _raw(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
