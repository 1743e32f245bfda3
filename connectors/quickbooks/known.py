"""The ids a source has told of, small enough for a cursor: what is missing from a company's own list was deleted."""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

BLOCK = 1 << 16
"""Ids per block. Only blocks that change are written anew, so that a page of a backfill costs the same at any size."""


@dataclass(frozen=True, slots=True)
class KnownIds:
    """A set of whole numbers as bitmaps: block number -> zlib and base64 of its bits. Ids of another form are left out.

    QuickBooks counts ids up from 1, so that a bit for each is little.
    """

    blocks: Mapping[str, str] = field(default_factory=dict)

    def adding(self, ids: Iterable[str]) -> "KnownIds":
        """Return the set with these ids."""
        return self._changed(ids, lambda bits, new: bits | new)

    def removing(self, ids: Iterable[str]) -> "KnownIds":
        """Return the set without these ids."""
        return self._changed(ids, lambda bits, gone: bits & ~gone)

    def missing_from(self, ids: Iterable[str]) -> Iterator[str]:
        """Yield, in order, what is in the set and not among `ids`."""
        listed = _bitmaps(ids)
        for block in sorted(self.blocks, key=int):
            bits = _unpacked(self.blocks[block]) & ~listed.get(int(block), 0)
            while bits:
                lowest = bits & -bits
                yield str(int(block) * BLOCK + lowest.bit_length() - 1)
                bits ^= lowest

    def _changed(self, ids: Iterable[str], change: Callable[[int, int], int]) -> "KnownIds":
        blocks = dict(self.blocks)
        for number, bits in _bitmaps(ids).items():
            block = str(number)
            changed = change(_unpacked(blocks[block]) if block in blocks else 0, bits)
            if changed:
                blocks[block] = _packed(changed)
            else:
                blocks.pop(block, None)
        return KnownIds(blocks)


def _bitmaps(ids: Iterable[str]) -> dict[int, int]:
    """Return the bits of each block the ids fall into."""
    bytes_of: dict[int, bytearray] = {}
    for remote_id in ids:
        if remote_id.isdecimal():
            number, bit = divmod(int(remote_id), BLOCK)
            bytes_of.setdefault(number, bytearray(BLOCK // 8))[bit // 8] |= 1 << bit % 8
    return {number: int.from_bytes(content, "little") for number, content in bytes_of.items()}


def _packed(bits: int) -> str:
    return b64encode(zlib.compress(bits.to_bytes(BLOCK // 8, "little"))).decode()


def _unpacked(text: str) -> int:
    return int.from_bytes(zlib.decompress(b64decode(text)), "little")
