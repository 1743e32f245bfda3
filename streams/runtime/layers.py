"""Row overlays: what a record or a chunk has written before it is committed."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Generic, TypeVar

from streams.runtime.types import StateView

SEPARATOR = b"\x1f"
"""Between the name of a table and the rest of a key."""
V = TypeVar("V")


class Ordered(Generic[V]):
    """Rows by key that are found by prefix without looking at all of them.

    Keys are put in order when somebody asks for it, table by table: most rows are never scanned for.
    """

    def __init__(self) -> None:
        self.rows: dict[bytes, V] = {}
        self._seen = 0
        self._tables: dict[bytes, list[bytes]] = {}

    def retain(self, rows: dict[bytes, V]) -> None:
        """Keep only these rows."""
        self.rows = rows
        self._seen = 0
        self._tables = {}

    def under(self, prefix: bytes) -> Iterator[tuple[bytes, V]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        table, found, _ = prefix.partition(SEPARATOR)
        keys = self._table(table) if found else sorted(self.rows)
        at = bisect_left(keys, prefix)
        while at < len(keys) and (key := keys[at]).startswith(prefix):
            yield key, self.rows[key]
            at += 1

    def _table(self, name: bytes) -> list[bytes]:
        """Return the keys of a table in order; a dictionary keeps new ones at its end, so only those are looked at."""
        for key in islice(reversed(self.rows), len(self.rows) - self._seen):
            insort(self._tables.setdefault(key.partition(SEPARATOR)[0], []), key)
        self._seen = len(self.rows)
        return self._tables.get(name, [])


class Layer:
    """Writes on top of `below`, kept apart until `fold` puts them there, or dropped with the layer.

    Attributes:
        rows: what was written.
    """

    def __init__(self, below: StateView) -> None:
        self._below = below
        self._read = below.get
        self._written: Ordered[bytes | None] = Ordered()
        self.rows = self._written.rows

    def get(self, key: bytes) -> bytes | None:
        """Return a row, this layer's first."""
        rows = self.rows
        return rows[key] if key in rows else self._read(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set a row; None deletes it."""
        self.rows[key] = value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        return overlaid(self._below.scan(prefix), self._written.under(prefix))

    def fold(self, into: "Layer") -> None:
        """Hand this layer's writes to the one below."""
        into.rows.update(self.rows)


def overlaid(
    below: Iterator[tuple[bytes, bytes]], written: Iterable[tuple[bytes, bytes | None]]
) -> Iterator[tuple[bytes, bytes]]:
    """Merge ordered rows with those of the same prefix written on top of them."""
    on_top = dict(written)
    if not on_top:
        return below
    merged = {key: value for key, value in below if key not in on_top}
    merged |= {key: value for key, value in on_top.items() if value is not None}
    return iter(sorted(merged.items()))
