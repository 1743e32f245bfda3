"""Row overlays: what a record or a chunk has written before it is committed."""

from collections.abc import Iterator, Mapping

from streams.runtime.types import StateView


class Layer:
    """Writes on top of `below`, kept apart until `fold` puts them there, or dropped with the layer."""

    def __init__(self, below: StateView) -> None:
        self._below = below
        self.rows: dict[bytes, bytes | None] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return a row, this layer's first."""
        return self.rows[key] if key in self.rows else self._below.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set a row; None deletes it."""
        self.rows[key] = value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows whose key starts with `prefix`, in key order."""
        return overlaid(self._below.scan(prefix), self.rows, prefix)

    def fold(self, into: "Layer") -> None:
        """Hand this layer's writes to the one below."""
        into.rows.update(self.rows)


def overlaid(
    below: Iterator[tuple[bytes, bytes]], rows: Mapping[bytes, bytes | None], prefix: bytes
) -> Iterator[tuple[bytes, bytes]]:
    """Merge ordered rows with those written on top of them."""
    on_top = {key: value for key, value in rows.items() if key.startswith(prefix)}
    if not on_top:
        return below
    merged = {key: value for key, value in below if key not in on_top}
    merged |= {key: value for key, value in on_top.items() if value is not None}
    return iter(sorted(merged.items()))
