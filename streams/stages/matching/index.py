"""The inverted index over the rows of the state: which records share a key with this one.

A row of a key holds the traits of its records, not only their names: a read per key is all that scoring needs. A record
is one object of one vendor, so that a party's links can be undone without touching the index.
"""

from collections.abc import Sequence
from typing import Protocol

from streams.stages.matching.keys import keys
from streams.stages.matching.traits import Traits
from streams.stages.rows import Block, Trait

BUCKET = 20
"""A key with more records than this tells nothing; it is given up for good."""
CANDIDATES = 50
END = "\x1d"
"""Between a record's name and its traits."""


class Blocks(Protocol):
    """Rows by key."""

    def get(self, key: str, /) -> Block | None:
        """Return the row of a key."""
        ...

    def set(self, row: Block, key: str, /) -> None:
        """Set it."""
        ...

    def drop(self, key: str, /) -> None:
        """Remove it."""
        ...


class Known(Protocol):
    """Traits by name of the record."""

    def get(self, name: str, /) -> Trait | None:
        """Return a record's traits."""
        ...

    def set(self, row: Trait, name: str, /) -> None:
        """Set them."""
        ...

    def drop(self, name: str, /) -> None:
        """Remove them."""
        ...


class Index:
    """Records by key; made for the work on one record, whose rows it reads once."""

    def __init__(self, blocks: Blocks, known: Known) -> None:
        self._blocks = blocks
        self._known = known
        self._read: dict[str, Block | None] = {}
        self._keys: tuple[Traits, list[str]] | None = None

    def traits(self, name: str) -> Traits | None:
        """Return the traits under which a record stands in the index."""
        row = self._known.get(name)
        return None if row is None else Traits.unpacked(row.text)

    def candidates(self, name: str, traits: Traits) -> list[tuple[str, Traits]]:
        """Return the records that share a key, but for `name` itself: by key, the strongest first, then by arrival."""
        found: dict[str, str] = {}
        for key in self._keys_of(traits):
            for entry in self._entries(key):
                other, _, packed = entry.partition(END)
                found.setdefault(other, packed)
            if len(found) > CANDIDATES:
                break
        found.pop(name, None)
        return [(other, Traits.unpacked(packed)) for other, packed in found.items()][:CANDIDATES]

    def put(self, name: str, traits: Traits) -> None:
        """Let a record stand in the index with these traits and no others."""
        former, packed = self.traits(name), traits.packed()
        if former == traits:
            return
        own = self._keys_of(traits)
        self._leave(name, former, own)
        self._known.set(Trait(packed), name)
        entry = f"{name}{END}{packed}"
        for key in own:
            row = self._block(key)
            if row is None:
                self._set(key, Block([entry]))
            elif not row.full:
                others = [one for one in row.entries if not one.startswith(f"{name}{END}")]
                full = len(others) >= BUCKET
                self._set(key, Block([] if full else [*others, entry], full=full))

    def drop(self, name: str) -> None:
        """Take a record out of the index."""
        self._leave(name, self.traits(name), ())
        self._known.drop(name)

    def _leave(self, name: str, former: Traits | None, stay: Sequence[str]) -> None:
        for key in keys(former) if former is not None else ():
            if key in stay:
                continue
            rest = [entry for entry in self._entries(key) if not entry.startswith(f"{name}{END}")]
            if rest:
                self._set(key, Block(rest))
            elif (row := self._block(key)) is not None and not row.full:
                self._blocks.drop(key)
                self._read[key] = None

    def _entries(self, key: str) -> Sequence[str]:
        row = self._block(key)
        return row.entries if row is not None else ()

    def _keys_of(self, traits: Traits) -> list[str]:
        if self._keys is None or self._keys[0] is not traits:
            self._keys = traits, keys(traits)
        return self._keys[1]

    def _block(self, key: str) -> Block | None:
        if key not in self._read:
            self._read[key] = self._blocks.get(key)
        return self._read[key]

    def _set(self, key: str, row: Block) -> None:
        self._blocks.set(row, key)
        self._read[key] = row
