"""Reads a shop's changes: sweeps by time of modification, rounds over all ids for what sweeps cannot tell."""

import zlib
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import count

from connectors import accounts
from connectors.errors import FatalError
from connectors.ports import Account, Batch, Clock, Raw
from connectors.wire import dumps
from connectors.woocommerce import client as api
from connectors.woocommerce.client import Page, WooClient
from connectors.woocommerce.cursor import Cursor, Round, Row, Sweep, decode, members
from connectors.woocommerce.fetch import WooCommerceFetcher
from connectors.woocommerce.objects import DRAFT, KINDS, TRASH, Entity, Kind, modified, records

READ = "product,variation,customer,refund,order"
OVERLAP_SECONDS = 120.0
CUSTOMERS_SECONDS = 3600.0
CENSUS_SECONDS = 86400.0
PAGES_AT_ONCE = 20
"""Of a round, before the sweeps have their turn again."""
SECOND = timedelta(seconds=1)
VOLATILE = frozenset({"related_ids", "price_html"})
"""What a shop draws anew at each reading."""


class WooCommerceSource:
    """Reads the objects of setting `objects`, one after the other, what is referred to first."""

    name = "woocommerce"

    def __init__(self, client: WooClient, fetcher: WooCommerceFetcher, account: Account, clock: Clock) -> None:
        self._client = client
        self._fetcher = fetcher
        self._clock = clock
        self._where = accounts.where(account)
        self._kinds = [_kind(account, name) for name in accounts.names(account, "objects", READ)]
        self._overlap = timedelta(seconds=accounts.number(account, "overlap_seconds", OVERLAP_SECONDS))
        self._customers = timedelta(seconds=accounts.number(account, "customers_seconds", CUSTOMERS_SECONDS))
        self._census = timedelta(seconds=accounts.number(account, "census_seconds", CENSUS_SECONDS))
        self._start = accounts.instant(account, "start_at")

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield pages from just after `cursor` until there is nothing newer; None: from `start_at`, or all there is.

        Raises:
            ConnectorError: see `ports.Source`.
        """
        at = decode(cursor, self._where)
        for kind in self._kinds:
            for status in _statuses(kind):
                async for raws, moved in self._sweep(kind, status, at):
                    at = moved
                    yield Batch(raws, at.encode())
            async for raws, moved in self._round(kind, at):
                at = moved
                yield Batch(raws, at.encode())

    async def _sweep(self, kind: Kind, status: str, at: Cursor) -> AsyncIterator[tuple[Sequence[Raw], Cursor]]:
        name = f"{kind.name}/{status}"
        stored = at.sweeps.get(name)
        sweep = stored or Sweep(self._start)
        async for page, last in self._pages(kind, status, sweep.since):
            rows = [_row(entity) for entity in page.rows]
            fresh, before, settled = sweep.fresh(rows), len(sweep.seen), page.shop - self._overlap
            sweep = sweep.after(rows, settled)
            if last:
                sweep = sweep.finished(settled)
            at = at.with_sweep(name, sweep)
            if status != TRASH:
                new = [row.id for row, entity in zip(rows, page.rows, strict=True) if entity.get("status") != DRAFT]
                at = at.with_round(kind.name, at.rounds.get(kind.name, Round()).knowing(new))
            if fresh or (last and (stored is None or (before and not sweep.seen))):
                yield (
                    [raw for entity in page.rows if entity["id"] in fresh for raw in records(kind, entity, page.read)],
                    at,
                )

    async def _pages(self, kind: Kind, status: str, since: datetime | None) -> AsyncIterator[tuple[Page, bool]]:
        """Yield pages in order of modification, and whether one is the last.

        Each page is asked for by the stamp of the row before, not by its number: rows that are modified leave their
        place, and those behind them would move up unread.
        """
        at = since
        while True:
            page = await self._client.page(kind, _window(status, at))
            if len(page.rows) < api.PAGE:
                yield page, True
                return
            last = modified(page.rows[-1])
            if at is None or last > at:
                yield page, False
                at = last
                continue
            async for tied in self._second(kind, status, at):  # a whole page of one second
                yield tied, False
            at += SECOND

    async def _second(self, kind: Kind, status: str, at: datetime) -> AsyncIterator[Page]:
        """Yield everything stamped with one second; anew when rows left the list meanwhile."""
        window = {**_window(status, at), "modified_before": _stamp(at + SECOND)}
        totals: set[int] = set()
        while len(totals) != 1:
            totals = set()
            for number in count(1):
                page = await self._client.page(kind, {**window, "page": str(number)})
                totals.add(page.total)
                yield page
                if len(page.rows) < api.PAGE:
                    break

    async def _round(self, kind: Kind, at: Cursor) -> AsyncIterator[tuple[Sequence[Raw], Cursor]]:
        round_ = at.rounds.get(kind.name, Round())
        if round_.page == 0 and round_.due is not None and self._clock.now() < round_.due:
            return
        backfill = not kind.windows and round_.since is None
        for _ in count() if backfill else range(PAGES_AT_ONCE):
            page = await self._client.page(kind, _listing(kind, round_.page + 1))
            fresh = [] if kind.windows else [row for row in page.rows if self._is_news(round_, row)]
            living = [row["id"] for row in page.rows if row.get("status") != DRAFT]
            round_ = round_.paged(living, page.total, page.shop).knowing([row["id"] for row in fresh])
            last = len(page.rows) < api.PAGE
            raws = [raw for row in fresh for raw in records(kind, row, page.read)]
            if last and round_.shifted:
                round_, last = round_.again(), False
            if last:
                found, round_ = await self._close(kind, round_)
                yield [*raws, *found], at.with_round(kind.name, round_)
                return
            if raws:
                yield raws, at.with_round(kind.name, round_)
        yield [], at.with_round(kind.name, round_)

    async def _close(self, kind: Kind, round_: Round) -> tuple[Sequence[Raw], Round]:
        """Look for what is missing, tell what is gone, and end the round."""
        found = await self._fetcher.fetch(kind.name, [str(id_) for id_ in members(round_.missing)])
        gone = [int(raw.remote_id) for raw in found if raw.deleted]
        every = self._census if kind.windows else self._customers
        return found, round_.closed(gone, self._clock.now() + every)

    def _is_news(self, round_: Round, row: Entity) -> bool:
        since = round_.since or self._start
        return not round_.known >> row["id"] & 1 or since is None or modified(row) >= since - self._overlap


def _kind(account: Account, name: str) -> Kind:
    if name not in KINDS:
        raise FatalError(f"{accounts.where(account)}: setting objects names {name!r}; known: {', '.join(KINDS)}")
    return KINDS[name]


def _statuses(kind: Kind) -> Iterator[str]:
    if kind.windows:
        yield "any"
        if kind.trash:
            yield TRASH


def _window(status: str, at: datetime | None) -> dict[str, str]:
    params = {"orderby": "modified", "order": "asc", "status": status, "dates_are_gmt": "true"}
    # The bound is exclusive.
    return params if at is None else {**params, "modified_after": _stamp(at - SECOND)}


def _listing(kind: Kind, number: int) -> dict[str, str]:
    params = {"orderby": "id", "order": "asc", "page": str(number)}
    return {**params, "status": "any", "_fields": "id,status"} if kind.windows else params


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S")


def _row(entity: Entity) -> Row:
    lasting = {name: value for name, value in entity.items() if name not in VOLATILE}
    return Row(entity["id"], modified(entity), zlib.crc32(dumps(lasting)))
