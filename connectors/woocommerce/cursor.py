"""Where reading resumes: pure rules.

*Sweeps* go by time of modification. A stamp is set before its object shows, so that an object may appear late, below
stamps already read: each sweep begins an overlap earlier, and what was emitted from there on is remembered with a
digest.
*Rounds* list every id, because a shop says nothing of objects that are deleted for good, and has no stamps of customers
to ask for: what was known and is not listed any more is looked for singly. Ids are kept as bits of one number.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors import cursors
from connectors.wire import iso_micros, parse_instant

FORMAT = 1
Ids = int
"""A set of ids: bit n stands for id n."""


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a page: its id, its stamp and a digest of its content."""

    id: int
    stamp: datetime
    digest: int


@dataclass(frozen=True, slots=True)
class Sweep:
    """Where one list's sweep stands.

    Attributes:
        since: everything stamped earlier has been emitted; None: from the beginning.
        seen: by id, stamp (epoch seconds) and digest of what was emitted from `since` on.
    """

    since: datetime | None = None
    seen: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def fresh(self, rows: Sequence[Row]) -> set[int]:
        """Return the ids of the rows that were not emitted as they are now."""
        return {row.id for row in rows if self.seen.get(str(row.id)) != (_second(row.stamp), row.digest)}

    def after(self, rows: Sequence[Row], settled: datetime) -> "Sweep":
        """Return the position once these rows, in order of stamp, are emitted; nothing appears below `settled`."""
        if not rows:
            return self
        seen = {**self.seen, **{str(row.id): (_second(row.stamp), row.digest) for row in rows}}
        return self._forgetting(seen, min(rows[-1].stamp, settled))

    def finished(self, settled: datetime) -> "Sweep":
        """Return the position once the list was read to its end."""
        return self._forgetting(self.seen, settled)

    def _forgetting(self, seen: Mapping[str, tuple[int, int]], since: datetime) -> "Sweep":
        since = max(since, self.since) if self.since else since
        return Sweep(since, cursors.latest(seen, _second(since)))


@dataclass(frozen=True, slots=True)
class Round:
    """Where the listing of one object's ids stands.

    Attributes:
        known: ids that were emitted and are not known to be gone.
        expected: what was known when this round began.
        listed: ids this round has met.
        page: pages read in this round; 0: between two rounds.
        total: rows of the list at the page before.
        shifted: rows have left the list meanwhile, so that others may have been passed over.
        began: the shop's time when this round began; between two rounds that of the last one.
        since: when the last whole round began.
        due: our time from which the next round may begin.
    """

    known: Ids = 0
    expected: Ids = 0
    listed: Ids = 0
    page: int = 0
    total: int = 0
    shifted: bool = False
    began: datetime | None = None
    since: datetime | None = None
    due: datetime | None = None

    def knowing(self, ids: Sequence[int]) -> "Round":
        """Return the round once these were emitted."""
        return replace(self, known=self.known | of(ids))

    def paged(self, ids: Sequence[int], total: int, shop: datetime) -> "Round":
        """Return the round after one more page."""
        first = self.page == 0
        return replace(
            self,
            expected=self.known if first else self.expected,
            listed=of(ids) if first else self.listed | of(ids),
            page=self.page + 1,
            total=total,
            shifted=not first and (self.shifted or total < self.total),
            began=shop if first else self.began,
        )

    def again(self) -> "Round":
        """Return the round from its first page."""
        return replace(self, page=0, shifted=False)

    @property
    def missing(self) -> Ids:
        """What was known before the round and was not met in it."""
        return self.expected & ~self.listed

    def closed(self, gone: Sequence[int], due: datetime) -> "Round":
        """Return the round once it is over and what is gone was told."""
        return Round(known=(self.known | self.listed) & ~of(gone), since=self.began, due=due)


def of(ids: Sequence[int]) -> Ids:
    """Return a set of ids."""
    bits = 0
    for id_ in ids:
        bits |= 1 << id_
    return bits


def members(ids: Ids) -> Iterator[int]:
    """Yield the ids of a set, ascending."""
    while ids:
        lowest = ids & -ids
        yield lowest.bit_length() - 1
        ids ^= lowest


@dataclass(frozen=True, slots=True)
class Cursor:
    """The positions of all lists, by name."""

    sweeps: Mapping[str, Sweep] = field(default_factory=dict)
    rounds: Mapping[str, Round] = field(default_factory=dict)

    def with_sweep(self, name: str, sweep: Sweep) -> "Cursor":
        """Return the cursor with one sweep moved."""
        return replace(self, sweeps={**self.sweeps, name: sweep})

    def with_round(self, name: str, round_: Round) -> "Cursor":
        """Return the cursor with one round moved."""
        return replace(self, rounds={**self.rounds, name: round_})

    def encode(self) -> str:
        """Write the cursor."""
        sweeps = {name: {"since": _text(sweep.since), "seen": sweep.seen} for name, sweep in self.sweeps.items()}
        rounds = {name: _round_json(round_) for name, round_ in self.rounds.items()}
        return cursors.write(FORMAT, {"sweeps": sweeps, "rounds": rounds})


def decode(cursor: str | None, where: str) -> Cursor:
    """Read a cursor; `where` names the connection.

    Raises:
        FatalError: see `cursors.read`.
    """
    return Cursor() if cursor is None else cursors.read(cursor, where, FORMAT, _cursor)


def _cursor(stored: Mapping[str, Any]) -> Cursor:
    sweeps = {
        name: Sweep(_instant(value["since"]), {id_: (mark[0], mark[1]) for id_, mark in value["seen"].items()})
        for name, value in stored["sweeps"].items()
    }
    return Cursor(sweeps, {name: _round(value) for name, value in stored["rounds"].items()})


def _round_json(round_: Round) -> dict[str, Any]:
    return {
        **{name: _bits(getattr(round_, name)) for name in ("known", "expected", "listed")},
        **{name: getattr(round_, name) for name in ("page", "total", "shifted")},
        **{name: _text(getattr(round_, name)) for name in ("began", "since", "due")},
    }


def _round(value: Mapping[str, Any]) -> Round:
    known, expected, listed = (_from_bits(value[name]) for name in ("known", "expected", "listed"))
    began, since, due = (_instant(value[name]) for name in ("began", "since", "due"))
    return Round(
        known, expected, listed, int(value["page"]), int(value["total"]), bool(value["shifted"]), began, since, due
    )


def _bits(ids: Ids) -> str:
    return b64encode(zlib.compress(ids.to_bytes((ids.bit_length() + 7) // 8, "little"), 1)).decode()


def _from_bits(text: str) -> Ids:
    return int.from_bytes(zlib.decompress(b64decode(text)), "little")


def _text(instant: datetime | None) -> str | None:
    return iso_micros(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return parse_instant(text) if text else None


def _second(stamp: datetime) -> int:
    return (stamp - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1)
