"""Where polling resumes: pure rules over windows of SystemModstamp.

A record's stamp is set when its transaction writes it, and it shows when that transaction commits, so that a record may
appear late, below stamps already read. Each window therefore begins an overlap before the last one ended, and what was
emitted from there on is remembered with its stamp and a digest: an unchanged record is not emitted again, one edited
twice within a second is. The memory is bounded; beyond it records repeat, none is lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.errors import FatalError
from connectors.wire import dumps, iso_micros, loads, parse_instant

SEEN_MOST = 5000
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Row:
    """One record of a page: its id, its SystemModstamp and a digest of its content."""

    id: str
    stamp: datetime
    digest: int


@dataclass(frozen=True, slots=True)
class Position:
    """Where one object's polling stands.

    Attributes:
        since: every record with an earlier stamp has been emitted; None: from the beginning.
        seen: by id, stamp (epoch milliseconds) and digest of what was emitted from `since` on.
    """

    since: datetime | None = None
    seen: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def fresh(self, rows: Sequence[Row]) -> list[Row]:
        """Return the rows that were not emitted as they are now."""
        return [row for row in rows if self.seen.get(row.id) != (_millis(row.stamp), row.digest)]

    def after(self, rows: Sequence[Row], settled: datetime) -> "Position":
        """Return the position once a page is emitted.

        `rows` are in order of stamp; below `settled`, an overlap before the query, nothing appears any more.
        """
        if not rows:
            return self
        seen = {**self.seen, **{row.id: (_millis(row.stamp), row.digest) for row in rows}}
        return _forgetting(self.since, seen, min(rows[-1].stamp, settled))

    def finished(self, settled: datetime) -> "Position":
        """Return the position once the whole window is emitted."""
        return _forgetting(self.since, self.seen, settled)


def _forgetting(old: datetime | None, seen: Mapping[str, tuple[int, int]], since: datetime) -> Position:
    since = max(since, old) if old else since
    kept = [(mark, remote_id) for remote_id, mark in seen.items() if mark[0] >= _millis(since)]
    return Position(since, {remote_id: mark for mark, remote_id in sorted(kept)[-SEEN_MOST:]})


def encode(positions: Mapping[str, Position]) -> str:
    """Write the cursor of all objects."""
    objects = {
        name: {"since": iso_micros(position.since) if position.since else None, "seen": position.seen}
        for name, position in positions.items()
    }
    return dumps({"format": FORMAT, "objects": objects}).decode()


def decode(cursor: str | None) -> dict[str, Position]:
    """Read a cursor.

    Raises:
        FatalError: it is none of ours.
    """
    if cursor is None:
        return {}
    try:
        stored = loads(cursor)
        if stored["format"] != FORMAT:
            stored = {}  # of a later release
        return {name: _position(value) for name, value in stored["objects"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise FatalError(
            f"salesforce: the stored cursor is unreadable ({error}); remove it to read from start_at again"
        ) from None


def _position(value: Mapping[str, Any]) -> Position:
    since = parse_instant(value["since"]) if value["since"] else None
    return Position(since, {remote_id: (stamp, digest) for remote_id, (stamp, digest) in value["seen"].items()})


def _millis(stamp: datetime) -> int:
    return (stamp - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
