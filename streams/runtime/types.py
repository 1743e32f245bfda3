"""The values that pass between the runtime and the roles, and the shard as a role sees it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct

Headers = Sequence[tuple[str, bytes]]
Rows = Mapping[bytes, bytes | None]


class Record(Struct, frozen=True):
    """A record as consumed; `timestamp` is milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    timestamp: int


class Count(Protocol):
    """Counts one thing, e.g. a labelled counter of Prometheus."""

    def inc(self) -> None:
        """Count it."""
        ...


class Output(Struct, frozen=True):
    """A record to be produced; `partition` is always explicit. Its commit counts `counts`."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()
    counts: Sequence[Count] = ()


class ShardLostError(Exception):
    """The partition belongs to another worker now: drop what you do for it."""


class StateView(Protocol):
    """Rows by key, the latest first committed or queued for commit."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order, as of now."""
        ...


class StateShard(StateView, Protocol):
    """One owned partition: its state and the one way to write.

    Rows given to `commit` are visible to `get` and `scan` as soon as it is called; the awaitable ends when the
    transaction that holds outputs, rows and offset is committed. Before an effect outside Kafka, await it. Units are
    committed in the order of the calls, several in one transaction. After a crash either all of a unit happened or
    nothing.
    """

    partition: int

    @property
    def alive(self) -> bool:
        """False once the partition is lost or may be: nothing may be sent any more."""
        ...

    async def commit(self, outputs: Sequence[Output], rows: Rows, next_offset: int | None = None) -> None:
        """Make one unit of work durable.

        Raises:
            ShardLostError: the partition was lost; nothing of the unit may be relied upon.
        """
        ...


def row_key(table: str, *parts: str | int) -> bytes:
    """Return the key of a row: parts keep their order in a scan (numbers are padded to 20 digits)."""
    return "\x1f".join([table, *(f"{p:020d}" if isinstance(p, int) else p for p in parts)]).encode()
