"""Where the source resumes: pure rules, one query a step.

Reads may come from a cache that is behind, so each pass over an object begins `lag` before the moment at which the last
one began. What was emitted from there on is remembered with a digest, and is not emitted again unless it changed. The
memory is bounded; beyond it records repeat, none is lost.

No page tokens: a step asks for what follows the last record of the step before. A token's chain ends at 100,000
records, dies after four hours, and nothing is said of records that leave the query meanwhile.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connectors.cursors import latest

BEGINNING = datetime(2007, 1, 1, tzinfo=UTC)
"""The year in which the service began: nothing is older."""
SECOND = timedelta(seconds=1)
NARROWEST = timedelta(minutes=1)

Seen = Mapping[int, tuple[int, int]]
"""By id: epoch second of the stamp, and digest."""


@dataclass(frozen=True, slots=True)
class Row:
    """One record of an answer: its id, its stamp and a digest of its content, negative while it is in the bin."""

    id: int
    stamp: datetime
    digest: int


@dataclass(frozen=True, slots=True)
class Pass:
    """A walk over what was updated, by windows of `updatedAt`.

    Attributes:
        at: every record with an earlier stamp was emitted in this pass.
        after: of the records stamped within the second `at`, those up to this id were emitted; None: not walked by id.
        span: width of a window.
        begun: when the pass began; None between two passes, then `at` is where the next one starts.
        seen: what was emitted and may be met again.
    """

    at: datetime
    span: timedelta
    after: int | None = None
    begun: datetime | None = None
    seen: Seen = field(default_factory=dict)

    def begin(self, now: datetime) -> "Pass":
        """Return the pass to go on with: one under way, or a new one."""
        return self if self.begun is not None else replace(self, begun=now.replace(microsecond=0))

    @property
    def end(self) -> datetime:
        """Where the pass ends: stamps have whole seconds, and the one under way is read too."""
        return (self.begun or self.at) + SECOND

    @property
    def until(self) -> datetime:
        """Where the window under way ends."""
        return min(self.at + self.span, self.end)

    def filters(self) -> dict[str, str]:
        """Return the query of the next step."""
        if self.after is not None:
            return {
                "updatedAtAfterOrEqualTo": written(self.at),
                "updatedAtBeforeOrEqualTo": written(self.at),
                "idGreaterThan": str(self.after),
                "orderBy": "id ASC",
            }
        return {
            "updatedAtAfterOrEqualTo": written(self.at),
            "updatedAtBefore": written(self.until),
            "orderBy": "updatedAt ASC",
        }

    def fresh(self, rows: Sequence[Row]) -> set[int]:
        """Return the ids of the rows that were not emitted as they are now."""
        return fresh(self.seen, rows)

    def binned(self) -> set[int]:
        """Return the ids of what was emitted as deleted lately: a return may have the very stamp of the deletion."""
        return {id_ for id_, (_, digest) in self.seen.items() if digest < 0}

    def follow(self, rows: Sequence[Row], *, more: bool, lag: timedelta, widest: timedelta) -> "Pass":
        """Return the pass after a step that answered `rows`; `more` says that the query holds further ones."""
        seen = {**self.seen, **{row.id: (_second(row.stamp), row.digest) for row in rows}}
        step = self._step(rows, more=more, widest=widest)
        settled = (self.begun or BEGINNING) - lag
        if not more and step.at >= self.end:
            return Pass(settled, step.span, seen=latest(seen, _second(settled)))
        return replace(step, seen=latest(seen, _second(min(step.at, settled))))

    def _step(self, rows: Sequence[Row], *, more: bool, widest: timedelta) -> "Pass":
        if self.after is not None:
            if more:
                return replace(self, after=rows[-1].id)
            return replace(self, at=self.at + SECOND, after=None)
        if not more:
            span = min(self.span * 2, widest) if not rows else self.span
            return replace(self, at=self.until, span=span)
        last = rows[-1].stamp
        # A second with more records than a page holds is walked by id.
        return replace(self, at=last, after=None if last > self.at else 0)

    def halved(self) -> "Pass | None":
        """Return the pass with narrower windows, None if they cannot be narrower."""
        span = min(self.span, self.end - self.at) / 2
        if self.after is not None or span < NARROWEST:
            return None
        return replace(self, span=timedelta(seconds=span // SECOND))


@dataclass(frozen=True, slots=True)
class Tail:
    """A walk over what comes to be, by id.

    Attributes:
        since: every record up to this id was emitted and none below it will appear any more.
        after: how far the pass under way has come.
        begun: when it began; None between two passes.
        seen: what was emitted beyond `since`.
    """

    since: int = 0
    after: int = 0
    begun: datetime | None = None
    seen: Seen = field(default_factory=dict)

    def begin(self, now: datetime) -> "Tail":
        """Return the pass to go on with: one under way, or a new one."""
        return self if self.begun is not None else replace(self, begun=now, after=self.since)

    def filters(self) -> dict[str, str]:
        """Return the query of the next step."""
        return {"idGreaterThan": str(self.after), "orderBy": "id ASC"}

    def fresh(self, rows: Sequence[Row]) -> set[int]:
        """Return the ids of the rows that were not emitted yet."""
        return fresh(self.seen, rows)

    def binned(self) -> set[int]:
        """Return nothing: what only comes to be has no bin."""
        return set()

    def follow(self, rows: Sequence[Row], *, more: bool, lag: timedelta) -> "Tail":
        """Return the pass after a step that answered `rows`; `more` says that the query holds further ones."""
        settled = (self.begun or BEGINNING) - lag
        since = max([self.since, *(row.id for row in rows if row.stamp < settled)])
        seen = {**self.seen, **{row.id: (_second(row.stamp), row.digest) for row in rows}}
        seen = latest({id_: mark for id_, mark in seen.items() if id_ > since})
        after = rows[-1].id if rows else self.after
        return Tail(since, after, self.begun if more else None, seen)


def fresh(seen: Seen, rows: Sequence[Row]) -> set[int]:
    """Return the ids of the rows that are not in `seen` as they are now."""
    return {row.id for row in rows if seen.get(row.id) != (_second(row.stamp), row.digest)}


def written(instant: datetime) -> str:
    """Write an instant as filters want it: whole seconds and an explicit offset."""
    return instant.astimezone(UTC).isoformat(timespec="seconds")


def _second(instant: datetime) -> int:
    return int(instant.timestamp())
