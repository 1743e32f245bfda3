"""Where the source resumes: pure rules, a pass over each object after the other.

Search lags behind writes, so each pass begins an overlap before the moment at which the last one began. What was
emitted from there on is remembered with stamp and digest, and is not emitted again unless it changed: two edits within
a second leave one stamp. The memory is bounded; beyond it records repeat, none is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors import cursors
from connectors.wire import iso_micros, parse_instant

SECOND = timedelta(seconds=1)
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One object of a page: its id, its `updatedAt` and a digest of its content."""

    id: str
    stamp: datetime
    digest: int


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk operation under way: its global id, when it began, how many bytes of its result were read."""

    id: str
    begun: datetime
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Pass:
    """Where one object's reading stands.

    Attributes:
        since: every object with an earlier stamp was emitted; None: nothing was.
        until: end of the pass under way, exclusive; None between two passes.
        after: Shopify's cursor of the last page of that pass, `""` at its begin.
        seen: by id, epoch second and digest of what was emitted and may be met again.
        bulk: the operation that reads everything first.
    """

    since: datetime | None = None
    until: datetime | None = None
    after: str = ""
    seen: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    bulk: Bulk | None = None

    def begin(self, now: datetime) -> "Pass":
        """Return the pass to go on with: one under way, or a new one; the second under way is read too."""
        return self if self.until is not None else replace(self, until=now.replace(microsecond=0) + SECOND)

    def restarted(self) -> "Pass":
        """Return the pass under way from its begin on: Shopify does not take the page's cursor any more."""
        return replace(self, after="")

    def fresh(self, rows: Sequence[Row]) -> set[str]:
        """Return the ids of the rows that were not emitted as they are now."""
        return {row.id for row in rows if self.seen.get(row.id) != (_second(row.stamp), row.digest)}

    def follow(self, rows: Sequence[Row], after: str | None, overlap: timedelta) -> "Pass":
        """Return the pass after a page; `after` is where the next one begins, None: there is none."""
        if self.until is None:
            raise ValueError("the pass was not begun")
        settled = self.until - SECOND - overlap
        seen = {**self.seen, **{row.id: (_second(row.stamp), row.digest) for row in rows}}
        if after is not None:
            # What the next pass does not meet again need not be remembered, but what this one may.
            return replace(self, after=after, seen=_kept(seen, min(settled, self.since) if self.since else settled))
        return Pass(settled, seen=_kept(seen, settled))


def encode(passes: Mapping[str, Pass]) -> str:
    """Write the cursor of all objects."""
    return cursors.write(FORMAT, {"objects": {name: _stored(each) for name, each in passes.items()}})


def decode(cursor: str | None, where: str) -> dict[str, Pass]:
    """Read a cursor; `where` names the connection.

    Raises:
        FatalError: see `cursors.read`.
    """
    return {} if cursor is None else cursors.read(cursor, where, FORMAT, _passes)


def _stored(each: Pass) -> dict[str, Any]:
    bulk = each.bulk and {"id": each.bulk.id, "begun": iso_micros(each.bulk.begun), "offset": each.bulk.offset}
    since, until = (iso_micros(instant) if instant else None for instant in (each.since, each.until))
    return {"since": since, "until": until, "after": each.after, "seen": each.seen, "bulk": bulk}


def _passes(stored: Mapping[str, Any]) -> dict[str, Pass]:
    return {name: _pass(value) for name, value in stored["objects"].items()}


def _pass(value: Mapping[str, Any]) -> Pass:
    bulk = value["bulk"]
    since, until = (parse_instant(value[name]) if value[name] else None for name in ("since", "until"))
    return Pass(
        since,
        until,
        value["after"],
        {id_: (second, digest) for id_, (second, digest) in value["seen"].items()},
        Bulk(bulk["id"], parse_instant(bulk["begun"]), bulk["offset"]) if bulk else None,
    )


def _kept(seen: Mapping[str, tuple[int, int]], since: datetime) -> dict[str, tuple[int, int]]:
    return cursors.latest(seen, _second(since))


def _second(instant: datetime) -> int:
    return int(instant.timestamp())
