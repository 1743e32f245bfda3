"""Reading and writing the rows: one table per row type, keyed by text parts."""

from collections.abc import Iterator
from typing import Generic, Protocol, TypeVar

from connectors.kafka.codec import Codec, Record
from connectors.kafka.topics import CONNECT_STATE
from streams.delivery.rows import AttemptRow, CursorRow, LedgerRow, ObjectRow, PauseRow, SlotRow, TickRow, TodoRow
from streams.runtime.types import row_key

R = TypeVar("R", bound=Record)
Put = tuple[bytes, bytes | None]


class Readable(Protocol):
    """Rows by key: a shard, or the layer of one record."""

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        ...

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        ...


class Table(Generic[R]):
    """The rows of one type."""

    def __init__(self, name: str, kind: type[R], codec: Codec) -> None:
        self._name = name
        self._kind = kind
        self._codec = codec

    def get(self, state: Readable, *parts: str | int) -> R | None:
        """Return a row, None if there is none."""
        value = state.get(row_key(self._name, *parts))
        return None if value is None else self._codec.decode_as(value, self._kind)

    def scan(self, state: Readable, *parts: str | int) -> Iterator[tuple[list[str], R]]:
        """Yield the key parts and rows below `parts`, in key order."""
        for key, value in state.scan(row_key(self._name, *parts, "")):
            yield key.decode().split("\x1f")[1:], self._codec.decode_as(value, self._kind)

    def put(self, row: R, *parts: str | int) -> Put:
        """Return key and value to be committed."""
        return row_key(self._name, *parts), self._codec.encode(CONNECT_STATE, row)

    def drop(self, *parts: str | int) -> Put:
        """Return the key to be removed by a commit."""
        return row_key(self._name, *parts), None


class Tables:
    """Every table of `connect`; what is of one connection starts with tenant and vendor."""

    def __init__(self, codec: Codec) -> None:
        self.todos = Table("todo", TodoRow, codec)  # offset
        self.objects = Table("object", ObjectRow, codec)  # tenant, vendor, object key
        self.attempts = Table("attempt", AttemptRow, codec)  # tenant, vendor, object key
        self.slots = Table("slot", SlotRow, codec)  # tenant, vendor, number
        self.ledgers = Table("ledger", LedgerRow, codec)  # tenant, vendor
        self.pauses = Table("pause", PauseRow, codec)  # tenant, vendor
        self.cursors = Table("cursor", CursorRow, codec)  # tenant, vendor
        self.ticks = Table("tick", TickRow, codec)  # tenant
