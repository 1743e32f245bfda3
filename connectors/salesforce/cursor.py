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

from connectors import cursors
from connectors.wire import iso_micros, parse_instant

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
    return Position(since, cursors.latest(seen, _millis(since)))


@dataclass(frozen=True, slots=True)
class Job:
    """A backfill by bulk: everything with a stamp below `until`, as far as `locator` of the bulk job `id`.

    Both are empty until there is a job and a page of it was emitted.
    """

    until: datetime
    id: str = ""
    locator: str = ""


@dataclass
class State:
    """Where reading stands; what a `Streaming` source works on and stores whole.

    Attributes:
        positions: by object; below `since` all was read, or comes with the object's job.
        replay: up to where change events were emitted; None: nothing is known of the stream.
        due: the objects to be read again from their position on, as events of them were missed.
        jobs: the objects whose backfill is under way.
    """

    positions: dict[str, Position] = field(default_factory=dict)
    replay: bytes | None = None
    due: set[str] = field(default_factory=set)
    jobs: dict[str, Job] = field(default_factory=dict)


def encode(state: State) -> str:
    """Write a cursor."""
    stored: dict[str, Any] = {"objects": {k: _plain(v) for k, v in state.positions.items()}}
    if state.replay is not None:
        stored["replay"] = state.replay.hex()
    if state.due:
        stored["due"] = sorted(state.due)
    if state.jobs:
        jobs = state.jobs.items()
        stored["jobs"] = {k: {"until": iso_micros(v.until), "id": v.id, "locator": v.locator} for k, v in jobs}
    return cursors.write(FORMAT, stored)


def decode(cursor: str | None, where: str) -> State:
    """Read a cursor; `where` names the connection.

    Raises:
        FatalError: see `cursors.read`.
    """
    return State() if cursor is None else cursors.read(cursor, where, FORMAT, _state)


def _state(stored: Mapping[str, Any]) -> State:
    replay = stored.get("replay")
    jobs = stored.get("jobs", {}).items()
    return State(
        {name: _position(value) for name, value in stored["objects"].items()},
        bytes.fromhex(replay) if replay is not None else None,
        set(stored.get("due", ())),
        {k: Job(parse_instant(v["until"]), v["id"], v["locator"]) for k, v in jobs},
    )


def _plain(position: Position) -> Mapping[str, Any]:
    return {"since": iso_micros(position.since) if position.since else None, "seen": position.seen}


def _position(value: Mapping[str, Any]) -> Position:
    since = parse_instant(value["since"]) if value["since"] else None
    return Position(since, {remote_id: (stamp, digest) for remote_id, (stamp, digest) in value["seen"].items()})


def _millis(stamp: datetime) -> int:
    return (stamp - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
