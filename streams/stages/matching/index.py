"""The inverted index over the rows of the state: which records share a key with this one.

A row of a key holds the names of its records; what a record is compared by stands in its crosswalk row. So what is read
and written for every key stays small, and only records worth a comparison cost a read of their own. A record is one
object of one vendor, so that a party's links can be undone without touching the index.
"""

from collections.abc import Collection, Sequence
from typing import Protocol

from msgspec.structs import replace

from streams.stages.matching.keys import COMMON, MARK, VERSION, keys, may_agree
from streams.stages.matching.traits import Traits
from streams.stages.rows import Block, Link
from streams.stages.tables import SEPARATOR

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


class Links(Protocol):
    """Crosswalk rows by the parts of a record's name; one that was read is remembered."""

    def get(self, *parts: str) -> Link | None:
        """Return a record's row."""
        ...

    def set(self, row: Link, *parts: str) -> None:
        """Set it."""
        ...


class Index:
    """Records by key; made for the work on one inbox record."""

    def __init__(self, blocks: Blocks, links: Links) -> None:
        self._blocks = blocks
        self._links = links
        self._keys: tuple[Traits, dict[str, str]] | None = None

    def link(self, name: str) -> Link | None:
        """Return the crosswalk row of a record by its name in the index."""
        return self._links.get(*name.split(SEPARATOR, 2))

    def traits(self, name: str) -> Traits | None:
        """Return the traits under which a record stands in the index."""
        link = self.link(name)
        return Traits.unpacked(link.traits) if link is not None and link.traits else None

    def candidates(self, name: str, traits: Traits) -> list[tuple[str, Traits]]:
        """Return the records that share keys with it, but for `name` itself: who shares most comes first."""
        known = [(other, self.traits(other)) for other in self._likely(name, traits)]
        return [(other, found) for other, found in known if found is not None]

    def _likely(self, name: str, traits: Traits) -> list[str]:
        rows = [(key, mark, self._blocks.get(key)) for key, mark in self._keys_of(traits).items()]
        found = [(key, mark, _others(row, name)) for key, mark, row in rows if row is not None and not row.full]
        if not found:
            return []
        found.sort(key=lambda one: len(one[2]))
        shared: dict[str, int] = {}
        reason: set[str] = set()
        for key, mark, others in found:
            common = len(others) > RARE and key.startswith(COMMON)
            for entry in others:
                other = entry[MARK:]
                shared[other] = shared.get(other, 0) + 1
                if not common and may_agree(mark, entry[:MARK]):
                    reason.add(other)
        likely = [other for other, common in shared.items() if common > 1 or other in reason]
        return sorted(likely, key=shared.__getitem__, reverse=True)[:CANDIDATES]

    def put(self, name: str, traits: Traits) -> None:
        """Let a record stand in the index with these traits and no others."""
        link = self.link(name) or Link()
        if link.traits == (packed := traits.packed()):
            return
        own = self._keys_of(traits)
        former = keys(Traits.unpacked(link.traits)) if link.traits else {}
        self._leave(name, [key for key in former if key not in own])
        self._links.set(replace(link, traits=packed, keyed=VERSION), *name.split(SEPARATOR, 2))
        for key, mark in own.items():
            if link.keyed != VERSION or former.get(key) != mark:
                self._enter(key, mark, name)

    def _enter(self, key: str, mark: str, name: str) -> None:
        row = self._blocks.get(key)
        if row is None:
            self._blocks.set(Block((mark + name,)), key)
        elif not row.full and mark + name not in row.records:
            others = _others(row, name)
            full = len(others) >= BUCKET
            self._blocks.set(Block((), full=True) if full else Block((*others, mark + name)), key)

    def drop(self, name: str) -> None:
        """Take a record out of the index."""
        link = self.link(name)
        if link is not None and link.traits:
            self._leave(name, keys(Traits.unpacked(link.traits)))
            self._links.set(replace(link, traits="", keyed=0), *name.split(SEPARATOR, 2))

    def _leave(self, name: str, left: Collection[str]) -> None:
        for key in left:
            row = self._blocks.get(key)
            if row is None or row.full:
                continue
            rest = _others(row, name)
            if rest:
                self._blocks.set(Block(rest), key)
            else:
                self._blocks.drop(key)

    def _keys_of(self, traits: Traits) -> dict[str, str]:
        if self._keys is None or self._keys[0] is not traits:
            self._keys = traits, keys(traits)
        return self._keys[1]


def _others(row: Block, name: str) -> Sequence[str]:
    """Return the entries of a key but for a record's own."""
    return [entry for entry in row.records if entry[MARK:] != name]
