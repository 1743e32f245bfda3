"""Reads an account's changes: all lists once, then the objects its events speak of."""

import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import timedelta

from connectors import accounts
from connectors.errors import DecodeError, FatalError, MissingReferenceError
from connectors.ports import Account, Batch, Clock, Raw
from connectors.stripe import client as api
from connectors.stripe.client import StripeClient
from connectors.stripe.cursor import Cursor, decode
from connectors.stripe.fetch import StripeFetcher
from connectors.stripe.objects import PATHS, Entity, raw_of
from connectors.stripe.webhook import touched

OVERLAP_SECONDS = 300.0
logger = logging.getLogger(__name__)


class StripeSource:
    """Reads the objects of setting `objects`.

    Where the account stands is an *anchor*: an event before which everything was read. Events that appear late, behind
    newer ones, are met again within the overlap; the ids of those already followed are remembered.
    """

    name = "stripe"

    def __init__(self, client: StripeClient, account: Account, clock: Clock) -> None:
        self._client = client
        self._fetcher = StripeFetcher(client)
        self._clock = clock
        self._where = accounts.where(account)
        self._kinds = accounts.names(account, "objects", ",".join(PATHS))
        self._overlap = timedelta(seconds=accounts.number(account, "overlap_seconds", OVERLAP_SECONDS))
        for name in self._kinds:
            if name not in PATHS:
                known = ", ".join(PATHS)
                raise FatalError(f"{self._where}: setting objects names {name!r}; known: {known}")

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield pages from just after `cursor` until there is nothing newer; None: everything there is.

        Raises:
            ConnectorError: see `ports.Source`.
        """
        at = decode(cursor, self._where)
        if at is None:
            at = await self._begin()
            yield Batch([], at.encode())
        try:
            async for raws, moved in self._all(at):
                yield Batch(raws, moved.encode())
        except MissingReferenceError:
            # The anchor is older than what Stripe keeps. What changed since is read from the lists; what was deleted
            # shows in none of them, only in the events that are left.
            logger.warning(
                "%s: Stripe does not keep the events any more that follow the last one read; all lists are read again, "
                "but customers, products and draft invoices that were deleted meanwhile are not told of",
                self._where,
            )
            at = Cursor(left=self._kinds)
            yield Batch([], at.encode())
            async for raws, moved in self._all(at):
                yield Batch(raws, moved.encode())

    async def _all(self, at: Cursor) -> AsyncIterator[tuple[Sequence[Raw], Cursor]]:
        """Read the lists that are left, then the events behind the anchor."""
        async for raws, moved in self._backfill(at):
            at = moved
            yield raws, at
        async for raws, moved in self._events(at):
            yield raws, moved

    async def _begin(self) -> Cursor:
        """Return where a backfill begins: what happens from now on is told by the events behind the newest one."""
        newest = await self._client.events(limit="1")
        anchor = str(newest.rows[0]["id"]) if newest.rows else None
        return Cursor(anchor=anchor, left=self._kinds)

    async def _backfill(self, at: Cursor) -> AsyncIterator[tuple[Sequence[Raw], Cursor]]:
        while at.left:
            kind = at.left[0]
            try:
                page = await self._client.objects(kind, at.after)
            except MissingReferenceError:  # the object to go on from was deleted: the list from its beginning
                at = replace(at, after=None)
                continue
            raws = [raw_of(kind, str(row["id"]), row, page.read) for row in page.rows]
            more = page.more and page.rows
            at = replace(at, after=str(page.rows[-1]["id"])) if more else replace(at, left=at.left[1:], after=None)
            yield raws, at

    async def _events(self, at: Cursor) -> AsyncIterator[tuple[Sequence[Raw], Cursor]]:
        """Follow the events behind the anchor, oldest first."""
        async for events in self._behind(at.anchor):
            raws = await self._current([event for event in events if event["id"] not in at.seen])
            settled = int((self._clock.now() - self._overlap).timestamp())
            moved = at.after_events([(str(event["id"]), int(event["created"])) for event in events], settled)
            if moved != at:
                yield raws, moved
            at = moved

    async def _behind(self, anchor: str | None) -> AsyncIterator[Sequence[Entity]]:
        """Yield pages of the events behind the anchor, oldest first; without an anchor of all there are."""
        if anchor is None:
            thin = await self._kept()
            for start in range(0, len(thin), api.PAGE):
                yield thin[start : start + api.PAGE]
            return
        while True:
            page = await self._client.events(ending_before=anchor)
            yield page.rows[::-1]
            if not page.more or not page.rows:
                return
            anchor = str(page.rows[0]["id"])

    async def _kept(self) -> list[Entity]:
        """Return all events Stripe still has, oldest first, without what they are not needed for."""
        page = await self._client.events()
        rows = [_thin(event) for event in page.rows]
        while page.more:
            page = await self._client.events(starting_after=str(rows[-1]["id"]))
            rows += map(_thin, page.rows)
        return rows[::-1]

    async def _current(self, events: Sequence[Entity]) -> list[Raw]:
        """Read what the events speak of as it is now; each object once."""
        wanted: dict[tuple[str, str], None] = {}
        for event in events:
            try:
                wanted |= dict.fromkeys(key for key in touched(event) if key[0] in self._kinds)
            except DecodeError:  # an event about nothing that has an id
                continue
        found: list[Raw] = []
        for kind, id_ in wanted:
            found += await self._fetcher.fetch(kind, [id_])
        return found


def _thin(event: Entity) -> Entity:
    about = event["data"]["object"]
    named = {name: about[name] for name in ("object", "id") if name in about}
    return {"id": event["id"], "created": event["created"], "data": {"object": named}}
