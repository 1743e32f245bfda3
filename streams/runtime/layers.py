"""Row overlays: what a record or a chunk has written before it is committed."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from streams.runtime.types import StateView

V = TypeVar("V")


class Ordered(Generic[V]):
    """Rows by key that are found by prefix without looking at all of them."""

    def __init__(self) -> None:
        self.rows: dict[bytes, V] = {}
        self._keys: list[bytes] = []

    def put(self, key: bytes, value: V) -> None:
        """Set a row."""
        if key not in self.rows:
            insort(self._keys, key)
        self.rows[key] = value

    def retain(self, rows: dict[bytes, V]) -> None:
        """Keep only these rows."""
        self.rows = rows
        self._keys = sorted(rows)

    def under(self, prefix: bytes) -> Iterator[tuple[bytes, V]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        at = bisect_left(self._keys, prefix)
        while at < len(self._keys) and (key := self._keys[at]).startswith(prefix):
            yield key, self.rows[key]
            at += 1


class Layer:
    """Writes on top of `below`, kept apart until `fold` puts them there, or dropped with the layer."""

    def __init__(self, below: StateView) -> None:
        self._below = below
        self._written = Ordered[bytes | None]()

    @property
    def rows(self) -> dict[bytes, bytes | None]:
        """What was written."""
        return self._written.rows

    def get(self, key: bytes) -> bytes | None:
        """Return a row, this layer's first."""
        rows = self._written.rows
        return rows[key] if key in rows else self._below.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set a row; None deletes it."""
        self._written.put(key, value)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        return overlaid(self._below.scan(prefix), self._written.under(prefix))

    def fold(self, into: "Layer") -> None:
        """Hand this layer's writes to the one below."""
        for key, value in self.rows.items():
            into.put(key, value)


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
