"""Sweeps a company: change data capture beside the webhooks, and queries where capture does not reach.

Capture looks back 30 days and answers with 1,000 objects at most, without pages (Intuit's page "Change data capture").
A full answer is asked for again, half of the entities at a time. An entity that alone fills it, a gap longer than
capture's and a first start are read by query; what was deleted there is what the company's list of ids lacks.
"""

import logging
import zlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from connectors import accounts
from connectors.pacing import room
from connectors.ports import Account, Batch, Clock, Raw
from connectors.quickbooks.budget import Budget, Spent
from connectors.quickbooks.client import PAGE, Capture, Entity, QuickBooksClient, quoted
from connectors.quickbooks.cursor import Position, Window, decode, encode
from connectors.quickbooks.known import KnownIds
from connectors.quickbooks.objects import deletion_version, version_of
from connectors.wire import dumps, iso_micros, parse_instant

ENTITIES = "Customer,Item,Invoice,SalesReceipt,Payment,CreditMemo,RefundReceipt,Vendor,Employee"
SWEEP_SECONDS = 300.0
OVERLAP_SECONDS = 120.0
MONTHLY_READS = 15_000.0
LOOK_BACK = timedelta(days=29)
"""A day less than capture's own, as clocks differ."""
SECOND = timedelta(seconds=1)
SWEEPS_APART = timedelta(seconds=60)
"""While something is still to be read by query: that must come to its end, however short the period."""
LOOK_SECONDS = 1.0

Page = tuple[Sequence[Raw], Position, bool]
"""Records, the position after them, and whether this piece of work is done."""
logger = logging.getLogger(__name__)


class _SpentError(Exception):
    """The month has no reads left."""


@dataclass(slots=True)
class _Found:
    """What one sweep has come upon so far.

    Attributes:
        since: what it asks capture for.
        at: when it began, by QuickBooks' clock.
        digests: of what it was told, by `entity/id`, with the time of the change.
        full: entities that alone fill an answer.
    """

    since: datetime
    at: datetime | None = None
    digests: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    full: list[str] = field(default_factory=list)


class QuickBooksSource:
    """Reads the entities of setting `objects`; between two sweeps it waits, and holds no permit."""

    name = "quickbooks"
    streaming = True

    def __init__(self, client: QuickBooksClient, account: Account, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._where = accounts.where(account)
        self._entities = accounts.names(account, "objects", ENTITIES)
        self._overlap = timedelta(seconds=accounts.number(account, "overlap_seconds", OVERLAP_SECONDS, minimum=1))
        self._start = accounts.instant(account, "start_at")
        self._budget = Budget(
            int(accounts.number(account, "monthly_reads", MONTHLY_READS, minimum=1)),
            timedelta(seconds=accounts.number(account, "sweep_seconds", SWEEP_SECONDS)),
        )
        self._stored = 0  # how many of the client's reads a cursor has
        self._said = ""
        self._base = Spent(), 0  # what the cursor said, and `_stored` then

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what changed since `cursor` whenever a sweep is due, and what is still to be read by query.

        None begins with everything last updated since `start_at`, or all there is.

        Raises:
            ConnectorError: see `ports.Source`.
        """
        position = decode(cursor, self._where)
        self._base = position.spent, self._stored
        while True:
            try:
                pages = self._next(position)
                if pages is None:
                    await self._clock.sleep(LOOK_SECONDS)
                    continue
                async for records, after, done in pages:
                    position = self._counted(after)
                    yield Batch(records, encode(position), caught_up=done and not position.unread)
            except _SpentError:
                counted = self._counted(position)
                if counted.spent == position.spent:
                    self._say_spent(position.spent.month)
                    await self._clock.sleep(LOOK_SECONDS)
                else:
                    position = counted
                    yield Batch([], encode(position))

    def _say_spent(self, month: str) -> None:
        if self._said != month:
            self._said = month
            text = "%s: the %d reads of %s are used up, none is made before it ends; monthly_reads allows more"
            logger.warning(text, self._where, self._budget.monthly, month)

    def _next(self, position: Position) -> AsyncIterator[Page] | None:
        """Return the next piece of work, None if there is none now.

        Raises:
            _SpentError: nor will there be any this month.
        """
        self._afford()
        if position.swept_at is None or set(self._entities) - set(position.entities):
            return self._sweep(position)
        now = self._clock.now()
        due = self._budget.next_sweep(position.swept_at, self._spent(), now)
        if now >= (max(due, position.swept_at + SWEEPS_APART) if position.unread else due):
            return self._sweep(position)
        if not position.unread or not room():
            return None
        return self._window(position) if position.windows else self._listing(position)

    async def _sweep(self, position: Position) -> AsyncIterator[Page]:
        """Tell what capture shows; what it cannot show becomes windows and listings."""
        resumed = position.since - self._overlap if position.since else None
        gap = resumed is not None and resumed < self._client.now() - LOOK_BACK
        found = _Found(self._client.now() - self._overlap if resumed is None or gap else resumed)
        slices, records = [self._entities], list[Raw]()
        while slices:
            wanted = slices.pop(0)
            self._afford()
            answer = await self._client.capture(wanted, found.since)
            found.at = found.at or answer.at
            if answer.full and len(wanted) > 1:
                half = (len(wanted) + 1) // 2
                slices = [wanted[:half], wanted[half:], *slices]
            elif answer.full:
                found.full += wanted
            else:
                if records:
                    yield records, position, False
                records, position = await self._told(position, answer, found)
        yield records, self._swept(position, found, resumed if gap else None), True

    async def _told(self, position: Position, answer: Capture, found: _Found) -> tuple[list[Raw], Position]:
        """Return the records of an answer that is complete, and the position that knows them."""
        records: list[Raw] = []
        known = dict(position.known)
        for entity, rows in answer.rows.items():
            digests = {str(row["Id"]): (_changed_at(row), zlib.crc32(dumps(row))) for row in rows}
            news = [row for row in rows if position.seen.get(f"{entity}/{row['Id']}") != digests[str(row["Id"])][1]]
            gone = {str(row["Id"]) for row in news if _is_stub(row)}
            # Capture was seen to call living objects deleted (intuit/QuickBooks-V3-DotNET-SDK#189).
            alive = await self._alive(entity, gone)
            records += [alive.get(str(row["Id"])) or _raw(entity, row) for row in news]
            living = {str(row["Id"]) for row in news} - gone | alive.keys()
            known[entity] = known.get(entity, KnownIds()).adding(living).removing(gone - alive.keys())
            found.digests |= {f"{entity}/{remote_id}": digest for remote_id, digest in digests.items()}
        seen = {**position.seen, **{key: digest for key, (_, digest) in found.digests.items()}}
        return records, replace(position, known=known, seen=seen)

    def _swept(self, position: Position, found: _Found, gap_since: datetime | None) -> Position:
        """Return the position after a sweep, with what is left to be read by query."""
        at = found.at or self._client.now()
        settled = at - self._overlap  # the next sweep begins here
        unread: dict[str, datetime | None] = dict.fromkeys(found.full, found.since)
        windows = [Window(entity, settled, at + SECOND) for entity in found.full]
        if gap_since is not None:
            unread |= dict.fromkeys(position.entities, gap_since)
        listings = [*position.listings, *(entity for entity in unread if entity in position.entities)]
        unread |= {entity: self._start for entity in self._entities if entity not in position.entities}
        windows += [Window(entity, since, settled) for entity, since in unread.items()]
        return replace(
            position,
            entities=self._entities,
            since=at,
            swept_at=self._clock.now(),
            seen={key: digest for key, (changed, digest) in found.digests.items() if changed >= settled - SECOND},
            windows=(*position.windows, *windows),
            listings=tuple(dict.fromkeys(listings)),
        )

    async def _window(self, position: Position) -> AsyncIterator[Page]:
        """Read one page, the last one that is left of the first window that has any."""
        records: list[Raw] = []
        while position.windows and not records:
            window, *others = position.windows
            condition = f"MetaData.LastUpdatedTime < {_literal(window.until)}"
            if window.since is not None:
                condition = f"MetaData.LastUpdatedTime >= {_literal(window.since)} AND {condition}"
            left = window.left
            if left is None:
                self._afford()
                left = await self._client.count(window.entity, condition)
            if left:
                self._afford()
                size = min(PAGE, left)
                left -= size
                rows = await self._client.page(window.entity, condition, left + 1, size)
                records = [_raw(window.entity, row) for row in rows]
                position = _with_known(position, window.entity, (raw.remote_id for raw in records))
            windows = (replace(window, left=left), *others) if left else tuple(others)
            position = replace(position, windows=windows)
        yield records, position, True

    async def _listing(self, position: Position) -> AsyncIterator[Page]:
        """Tell which ids of the first listing's entity are not in the company any more."""
        entity, *others = position.listings
        listed: set[str] = set()
        start = 1
        while True:
            self._afford()
            page = await self._client.page(entity, "", start, PAGE, "Id")
            listed |= {row["Id"] for row in page}
            start += PAGE
            if len(page) < PAGE:
                break
            yield [], position, False
        missing = list(position.known.get(entity, KnownIds()).missing_from(listed))
        while missing:
            ids, missing = missing[:PAGE], missing[PAGE:]
            # A deletion during the listing moves later rows past its pages.
            alive = await self._alive(entity, ids)
            gone = [remote_id for remote_id in ids if remote_id not in alive]
            known = {**position.known, entity: position.known[entity].removing(gone)}
            position = replace(position, known=known)
            version = deletion_version(self._client.now())
            yield [Raw(entity, remote_id, version, b"{}", deleted=True) for remote_id in gone], position, False
        yield [], replace(position, listings=tuple(others)), True

    async def _alive(self, entity: str, ids: Iterable[str]) -> dict[str, Raw]:
        """Return those of the objects that a query shows."""
        wanted = ", ".join(map(quoted, ids))
        if not wanted:
            return {}
        self._afford()
        return {row["Id"]: _raw(entity, row) for row in await self._client.query(entity, f"Id IN ({wanted})")}

    def _afford(self) -> None:
        if self._budget.left(self._spent(), self._clock.now()) == 0:
            raise _SpentError

    def _spent(self) -> Spent:
        """Return the month's reads, those of fetches and look-ups included that no cursor has yet."""
        spent, stored = self._base
        return spent.plus(self._client.metered - stored, self._clock.now())

    def _counted(self, position: Position) -> Position:
        self._stored = self._client.metered
        return replace(position, spent=self._spent())


def _with_known(position: Position, entity: str, ids: Iterable[str]) -> Position:
    known = position.known.get(entity, KnownIds()).adding(ids)
    return replace(position, known={**position.known, entity: known})


def _is_stub(row: Entity) -> bool:
    return row.get("status") == "Deleted"


def _raw(entity: str, row: Entity) -> Raw:
    if _is_stub(row):
        return Raw(entity, row["Id"], deletion_version(_changed_at(row)), b"{}", deleted=True)
    return Raw(entity, row["Id"], version_of(row), dumps(row))


def _changed_at(row: Entity) -> datetime:
    return parse_instant(row["MetaData"]["LastUpdatedTime"])


def _literal(instant: datetime) -> str:
    return quoted(f"{iso_micros(instant)[:19]}Z")
