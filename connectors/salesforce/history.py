"""What is read beside the stream, a step at a time: windows of SystemModstamp, and the past by bulk.

A window tells what events do not: what happened while nobody listened, what an overflow or a gap swallowed, objects
without events. It is also the whole backfill of a small object; a large one's is a bulk job, with the window from the
job's end on beside it.
"""

import logging
import zlib
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from connectors.errors import RejectedError
from connectors.ports import Clock, Raw
from connectors.salesforce.bulk import Bulk, JobLostError
from connectors.salesforce.client import Page, Record, SalesforceClient
from connectors.salesforce.cursor import Job, Position, State
from connectors.salesforce.objects import HINTS, version_of
from connectors.salesforce.plan import Plan
from connectors.salesforce.records import literal, raw_of
from connectors.salesforce.records import window as statement_of
from connectors.wire import dumps, iso_micros, parse_instant

BULK_FROM = 2000
"""Fewer records are read by query: a bulk job takes seconds before its first page."""
LOOK_SECONDS = 2.0
LOST_SECONDS = 10.0
MOST_LOST_SECONDS = 600.0
REMEMBERED = 50_000
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
DELETED_DAYS = 29
"""How far back the service lists deletions: 30 days at most."""

logger = logging.getLogger(__name__)


class Memory:
    """What this reader has emitted last of each record; forgotten with it, or with time, it costs a repetition."""

    def __init__(self) -> None:
        self._digests: OrderedDict[str, int] = OrderedDict()

    def is_news(self, record: Record) -> bool:
        """Tell whether the record is not as it was emitted, and remember it as it is."""
        digest = zlib.crc32(dumps(record))
        known = self._digests.pop(record["Id"], None)
        self._digests[record["Id"]] = digest
        if len(self._digests) > REMEMBERED:
            self._digests.popitem(last=False)
        return known != digest


@dataclass(slots=True)
class Window:
    """A window that is being read.

    Attributes:
        since: where it begins.
        at: when its query began.
        mark: how often the object had been missed by then.
        missed: it repairs a gap.
        binned: ids that it found deleted.
        first: no page of it was read yet.
        void: its object is to be read from the beginning, whatever this one finds.
    """

    name: str
    since: datetime | None
    at: datetime
    mark: int
    missed: bool
    pages: AsyncGenerator[Page]
    binned: set[str] = field(default_factory=set)
    first: bool = True
    void: bool = False


class History:
    """Works on the state that is stored; every step returns records and leaves the state as it is after them."""

    def __init__(self, client: SalesforceClient, plan: Plan, clock: Clock, state: State, memory: Memory) -> None:
        self._client = client
        self._bulk = Bulk(client)
        self._plan = plan
        self._clock = clock
        self._state = state
        self._memory = memory
        self._polled = set(plan.polled)
        state.due &= set(plan.objects)
        self._marks: Counter[str] = Counter(state.due)
        self._wanted: set[str] = set()
        self._looked: dict[str, datetime] = {}
        self._open: Window | None = None
        self._job_at: datetime | None = None
        self._lost = 0
        self._ready: set[str] = set()

    @property
    def pending(self) -> bool:
        """Tell whether something must still be read before all is known that the vendor has."""
        begun = all(name in self._state.positions for name in self._plan.objects)
        return not begun or bool(self._state.due or self._state.jobs or self._wanted) or self._open is not None

    @property
    def patient(self) -> bool:
        """Tell whether the next step is one more page of a backfill."""
        return self._open is not None or self._next_window(self._clock.now()) is None

    def mark(self, names: Iterable[str]) -> None:
        """Say that events of these objects were missed; they stay due until a window begun from now on is read."""
        for name in names:
            self._state.due.add(name)
            self._marks[name] += 1

    def restart(self, name: str) -> None:
        """Say that any record of an object may have changed."""
        self._state.positions[name] = Position(self._plan.start)
        if self._open is not None and self._open.name == name:
            self._open.void = True
        self.mark([name])

    def poll(self, names: Iterable[str]) -> None:
        """Look at these objects every `poll_seconds` from now on: they have no events for us."""
        self._polled |= set(names)

    def look(self, names: Iterable[str]) -> None:
        """Look at these objects once, soon: nobody listens at the moment."""
        self._wanted |= set(names)

    def wait(self, now: datetime) -> float:
        """Return the seconds until there is something to read."""
        if self._open is not None or self._next_window(now) is not None:
            return 0.0
        ends = [self._next_look(name) for name in self._plan.objects]
        if self._state.jobs:
            ends.append(self._job_at or now)
        return max(0.0, min((end - now).total_seconds() for end in ends))

    async def step(self) -> Sequence[Raw]:
        """Read the next page of what is to be read.

        Raises:
            ConnectorError: it was not read; begin anew from the stored state.
        """
        now = self._clock.now()
        if self._open is None:
            name = self._next_window(now)
            if name is None:
                return await self._job(now) if self._state.jobs and (self._job_at or now) <= now else ()
            if name not in self._state.positions:
                return await self._begin(name, now)
            self._open = self._window(name, now.replace(microsecond=0))
        return await self._page(self._open)

    async def aclose(self) -> None:
        """End an open query."""
        window, self._open = self._open, None
        if window is not None:
            await window.pages.aclose()

    def _next_window(self, now: datetime) -> str | None:
        """Return the object to be read next; one that was never begun first."""
        for name in self._plan.objects:
            if name not in self._state.positions:
                return name
        for name in self._plan.objects:
            if name in self._state.due or name in self._wanted or self._next_look(name) <= now:
                return name
        return None

    def _next_look(self, name: str) -> datetime:
        looked, since = self._looked.get(name), self._state.positions[name].since
        if name in self._polled:
            return looked + timedelta(seconds=self._plan.poll) if looked else NEVER
        return since + self._plan.overlap + timedelta(seconds=self._plan.sweep) if since else NEVER

    async def _begin(self, name: str, now: datetime) -> Sequence[Raw]:
        """Decide how the past of an object is read: not at all if it is a part, by bulk if it is large."""
        until = now.replace(microsecond=0) - self._plan.overlap
        columns = self._plan.columns[name]
        if name in HINTS:
            self._state.positions[name] = Position(until)
        elif plain_columns(columns) and await self._count(name, until) >= BULK_FROM:
            self._state.positions[name] = Position(until)
            self._state.jobs[name] = Job(until)
        else:
            self._state.positions[name] = Position(self._plan.start)
        self.mark([name])
        return ()

    async def _count(self, name: str, until: datetime) -> int:
        return await self._client.count(statement_of(name, ["COUNT()"], self._plan.start, until))

    def _window(self, name: str, now: datetime) -> Window:
        since, until = self._state.positions[name].since, now + timedelta(seconds=1)
        statement = f"{statement_of(name, self._plan.columns[name], since, until)} ORDER BY SystemModstamp, Id"
        pages = self._client.query(statement, deleted=True)
        return Window(name, since, now, self._marks[name], name in self._state.due, pages)

    async def _page(self, window: Window) -> Sequence[Raw]:
        """Return what is news on the next page; what was emitted as it is does not come again."""
        name, settled = window.name, window.at - self._plan.overlap
        page = await anext(window.pages)
        records = page.records if window.first else await self._as_now(name, page.records, settled)
        window.first = False
        window.binned |= {record["Id"] for record in records if record.get("IsDeleted")}
        raws = [raw for record in records if self._memory.is_news(record) and (raw := raw_of(name, record))]
        if not page.last:
            self._move(window, min(settled, parse_instant(page.records[-1]["SystemModstamp"])))
            return raws
        if window.missed and name not in HINTS:
            raws += await self._purged(window)
        self._move(window, settled)
        if self._marks[name] == window.mark:
            self._state.due.discard(name)
        self._wanted.discard(name)
        self._looked[name] = window.at
        await self.aclose()
        return raws

    def _move(self, window: Window, since: datetime) -> None:
        """Move the object's position, never back."""
        if window.void:
            return
        self._state.positions[window.name] = Position(max(since, window.since) if window.since else since)

    async def _as_now(self, name: str, records: Sequence[Record], settled: datetime) -> Sequence[Record]:
        """Return the records of a later page as they are now.

        They are as of the query's start. One edited since in the very second of its stamp would come after its newer
        state, in the same version; so that those young enough for that are read again.
        """
        young = [record["Id"] for record in records if parse_instant(record["SystemModstamp"]) >= settled]
        fresh = await self._client.by_ids(name, self._plan.columns[name], young, deleted=True)
        return [fresh.get(record["Id"][:15], record) for record in records]

    async def _purged(self, window: Window) -> list[Raw]:
        """Return what was deleted from the bin as well while nobody listened: no query finds it."""
        name, oldest = window.name, window.at - timedelta(days=DELETED_DAYS)
        start, end = max(window.since or oldest, oldest), window.at + timedelta(minutes=1)
        try:
            answer = await self._client.get(f"sobjects/{name}/deleted/", {"start": literal(start), "end": literal(end)})
        except RejectedError as error:
            logger.warning("salesforce: deletions of %s since %s cannot be listed: %s", name, start, error)
            return []
        rows = [row for row in answer["deletedRecords"] if row["id"] not in window.binned]
        return [Raw(name, row["id"], version_of(row["deletedDate"]), b"{}", deleted=True) for row in rows]

    async def _job(self, now: datetime) -> Sequence[Raw]:
        """Take one step of the first backfill by bulk: create its job, see whether it is done, or read a page."""
        name = next((name for name in self._plan.objects if name in self._state.jobs), "")
        if not name:  # of an object that is not read any more
            self._state.jobs.clear()
            return ()
        job, self._job_at = self._state.jobs[name], None
        try:
            if not job.id:
                return await self._create(name, job)
            if name not in self._ready and not await self._bulk.done(job.id):
                self._job_at = now + timedelta(seconds=LOOK_SECONDS)
                return ()
            self._ready.add(name)
            results = await self._bulk.results(job.id, job.locator, name)
        except JobLostError as error:
            logger.warning("salesforce: the backfill of %s begins anew: %s", name, error)
            self._ready.discard(name)
            self._state.jobs[name] = Job(job.until)
            self._lost += 1
            self._job_at = now + timedelta(seconds=min(MOST_LOST_SECONDS, LOST_SECONDS * 2**self._lost))
            return ()
        if results.locator:
            self._state.jobs[name] = replace(job, locator=results.locator)
        else:
            del self._state.jobs[name]
        return [raw for record in results.records if (raw := raw_of(name, record))]

    async def _create(self, name: str, job: Job) -> Sequence[Raw]:
        query = statement_of(name, self._plan.columns[name], self._plan.start, job.until)
        try:
            self._state.jobs[name] = replace(job, id=await self._bulk.begin(query))
        except RejectedError as error:
            logger.warning("salesforce: %s is read by query, not by bulk: %s", name, error)
            del self._state.jobs[name]
            self.restart(name)
        return ()


def plain_columns(columns: Iterable[str]) -> bool:
    """Tell whether bulk results can have these columns: they have none of parents."""
    return not any("." in column for column in columns)


def gone(object_type: str, record_id: str, at: datetime, *, ours: bool) -> Raw:
    """Return the deletion of a record that is not even in the bin."""
    return Raw(object_type, record_id, iso_micros(at), b"{}", deleted=True, ours=ours)
