"""The inverted index over the rows of the state: which records share a key with this one.

A row of a key holds the names of its records, a row per record what it is compared by: so that what is read and written
for every key stays small, and only records worth a comparison cost a read of their own. A record is one object of one
vendor, so that a party's links can be undone without touching the index.
"""

from collections.abc import Sequence
from typing import Protocol

from streams.stages.matching.keys import COMMON, keys
from streams.stages.matching.traits import Traits
from streams.stages.rows import Block, Trait

BUCKET = 20
"""A key with more records than this tells nothing; it is given up for good."""
RARE = 1
"""A key of `COMMON` that more others than this have is no reason to compare two that have no other in common."""
CANDIDATES = 12
"""So many records are compared at most; they are those with most keys in common, then those with the rarest key."""


class Blocks(Protocol):
    """Rows by key; one that was read is remembered."""

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
    """Records by key; made for the work on one record."""

    def __init__(self, blocks: Blocks, known: Known) -> None:
        self._blocks = blocks
        self._known = known
        self._keys: tuple[Traits, list[str]] | None = None

    def traits(self, name: str) -> Traits | None:
        """Return the traits under which a record stands in the index."""
        row = self._known.get(name)
        return None if row is None else Traits.unpacked(row.text)

    def candidates(self, name: str, traits: Traits) -> list[tuple[str, Traits]]:
        """Return the records that share keys with it, but for `name` itself: who shares most comes first."""
        found = []
        for other in self._likely(name, traits):
            row = self._known.get(other)
            if row is not None:
                found.append((other, Traits.unpacked(row.text)))
        return found

    def _likely(self, name: str, traits: Traits) -> list[str]:
        rows = [(key, self._blocks.get(key)) for key in self._keys_of(traits)]
        found = [(key, _others(row, name)) for key, row in rows if row is not None and not row.full]
        if not found:
            return []
        found.sort(key=lambda one: len(one[1]))
        shared: dict[str, int] = {}
        reason: set[str] = set()
        for key, others in found:
            for other in others:
                shared[other] = shared.get(other, 0) + 1
            if len(others) <= RARE or not key.startswith(COMMON):
                reason.update(others)
        likely = [other for other, common in shared.items() if common > 1 or other in reason]
        return sorted(likely, key=shared.__getitem__, reverse=True)[:CANDIDATES]

    def put(self, name: str, traits: Traits, former: Traits | None) -> None:
        """Let a record stand in the index with these traits and no others; `former` are those that it stands with."""
        if former == traits:
            return
        own = self._keys_of(traits)
        self._known.set(Trait(traits.packed()), name)
        if former is not None:
            self._leave(name, keys(former), own)
        for key in own:
            row = self._blocks.get(key)
            if row is None:
                self._blocks.set(Block((name,)), key)
            elif not row.full and name not in row.records:
                full = len(row.records) >= BUCKET
                self._blocks.set(Block((), full=True) if full else Block((*row.records, name)), key)

    def drop(self, name: str) -> None:
        """Take a record out of the index."""
        former = self.traits(name)
        self._leave(name, keys(former) if former is not None else (), ())
        self._known.drop(name)

    def _leave(self, name: str, left: Sequence[str], stay: Sequence[str]) -> None:
        for key in left:
            if key in stay:
                continue
            row = self._blocks.get(key)
            if row is None or row.full:
                continue
            rest = tuple(record for record in row.records if record != name)
            if rest:
                self._blocks.set(Block(rest), key)
            else:
                self._blocks.drop(key)

    def _keys_of(self, traits: Traits) -> list[str]:
        if self._keys is None or self._keys[0] is not traits:
            self._keys = traits, keys(traits)
        return self._keys[1]


def _others(row: Block, name: str) -> Sequence[str]:
    return [other for other in row.records if other != name] if name in row.records else row.records
