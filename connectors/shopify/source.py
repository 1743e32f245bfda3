"""Reads a shop: everything once by bulk operations, then what changed by windows of `updatedAt`."""

import zlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connectors import accounts
from connectors.cursors import worth_storing
from connectors.ports import Account, Batch, Clock, Raw
from connectors.shopify.bulk import BulkReader, LostBulkError
from connectors.shopify.cursor import Bulk, Pass, Row, decode, encode
from connectors.shopify.objects import Kind, chosen, remote_id, version_of
from connectors.shopify.reader import Node, Reader, StaleCursorError, window
from connectors.wire import dumps, iso_micros, parse_instant

OVERLAP_SECONDS = 300.0
DELETIONS = "ProductDeletion"
"""Under which the cursor keeps where the list of deleted products was read to."""
BACKFILLS = ("bulk", "pages")


class ShopifySource:
    """Reads the objects of setting `objects`, one after the other, then the products that were deleted."""

    name = "shopify"

    def __init__(self, reader: Reader, bulk: BulkReader, account: Account, clock: Clock) -> None:
        self._reader = reader
        self._bulk = bulk
        self._clock = clock
        self._where = accounts.where(account)
        self._kinds = chosen(account)
        self._overlap = timedelta(seconds=accounts.number(account, "overlap_seconds", OVERLAP_SECONDS))
        self._start = accounts.instant(account, "start_at")
        self._by_bulk = accounts.choice(account, "backfill", BACKFILLS) == "bulk"

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield pages from just after `cursor` until there is nothing newer; None: from `start_at`, or all there is.

        Raises:
            ConnectorError: see `ports.Source`.
        """
        passes = decode(cursor, self._where)
        # Kept from the first page on: what goes while the first reading lasts must be found, whoever finishes it. What
        # went before was never known.
        passes.setdefault(DELETIONS, Pass(self._clock.now() - self._overlap))
        for kind in self._kinds:
            places = [""] if kind.connection else await self._reader.locations()
            for place in places:
                name = f"{kind.name}/{remote_id(place)}" if place else kind.name
                async for raws, position in self._object(kind, place, passes.get(name)):
                    passes[name] = position
                    yield Batch(raws, encode(passes))
            if kind.name == "Product":
                async for raws, position in self._deletions(passes[DELETIONS]):
                    passes[DELETIONS] = position
                    yield Batch(raws, encode(passes))

    async def _object(self, kind: Kind, place: str, stored: Pass | None) -> AsyncIterator[tuple[Sequence[Raw], Pass]]:
        reached = stored or Pass(self._start)
        if kind.connection and self._by_bulk and (stored is None or stored.bulk is not None):
            async for raws, position in self._whole(kind, reached):
                reached = position
                yield raws, position
        async for raws, position in self._changes(kind, place, reached, new=stored is None):
            yield raws, position

    async def _whole(self, kind: Kind, position: Pass) -> AsyncIterator[tuple[Sequence[Raw], Pass]]:
        """Read everything by a bulk operation; where it is lost, pages take its place."""
        bulk = position.bulk
        if bulk is None:
            begun = self._clock.now()
            search = window({">=": _literal(self._start)}) if self._start else ""
            bulk = Bulk(await self._bulk.begin(kind, search), begun)
            yield [], replace(position, bulk=bulk)
        try:
            url = await self._bulk.finished(bulk.id)
        except LostBulkError:
            yield [], Pass(self._start)
            return
        last = url is None
        while url is not None and not last:
            part = await self._bulk.part(kind, url, bulk.offset)
            bulk, last = replace(bulk, offset=part.offset), part.last
            if not last:
                yield [_listed(kind, node) for node in part.nodes], replace(position, bulk=bulk)
            else:
                yield [_listed(kind, node) for node in part.nodes], Pass(bulk.begun - self._overlap)
        if url is None:
            yield [], Pass(bulk.begun - self._overlap)

    async def _changes(
        self, kind: Kind, place: str, stored: Pass, *, new: bool
    ) -> AsyncIterator[tuple[Sequence[Raw], Pass]]:
        """Read one pass; `new`: its end is worth storing whatever it brings."""
        position = stored.begin(self._clock.now())
        worth = new or stored.until is not None
        while position.until is not None:
            try:
                page = await self._reader.page(kind, self._search(position), position.after, place)
            except StaleCursorError:
                position = position.restarted()
                continue
            rows = [_row(node) for node in page.nodes]
            fresh = position.fresh(rows)
            before = len(position.seen)
            position = position.follow(rows, page.after, self._overlap)
            if fresh or page.after is not None or worth or worth_storing(before, len(position.seen)):
                raws = [_raw(kind, node) for node in page.nodes if remote_id(node["id"]) in fresh]
                yield raws, position
                worth = False

    async def _deletions(self, stored: Pass) -> AsyncIterator[tuple[Sequence[Raw], Pass]]:
        position = stored.begin(self._clock.now())
        search = window({">=": _literal(position.since)}, "occurred_at") if position.since else ""
        while position.until is not None:
            page = await self._reader.deletions(search, position.after)
            rows = [_deletion(node) for node in page.nodes]
            fresh = position.fresh(rows)
            before = len(position.seen)
            position = position.follow(rows, page.after, self._overlap)
            if fresh or worth_storing(before, len(position.seen)):
                yield [_gone(row) for row in rows if row.id in fresh], position

    def _search(self, position: Pass) -> str:
        bounds = {">=": _literal(position.since)} if position.since else {}
        if position.until:
            bounds["<"] = _literal(position.until)
        return window(bounds)


def _literal(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _row(node: Node) -> Row:
    return Row(remote_id(node["id"]), parse_instant(node["updatedAt"]), zlib.crc32(dumps(node)))


def _raw(kind: Kind, node: Node) -> Raw:
    return Raw(kind.name, remote_id(node["id"]), version_of(node), dumps(node))


def _listed(kind: Kind, node: Node) -> Raw:
    """Return an object of a bulk operation; an order with refunds, of whose positions that does not tell, as a hint."""
    if kind.unlisted and node["refunds"]:
        return Raw(kind.name, remote_id(node["id"]), version_of(node), b"{}", hint=True)
    return _raw(kind, node)


def _deletion(event: Node) -> Row:
    return Row(remote_id(event["subjectId"]), parse_instant(event["occurredAt"]), 0)


def _gone(row: Row) -> Raw:
    # Nothing follows a deletion: it comes after every state of its second.
    version = iso_micros(row.stamp + timedelta(microseconds=999_999))
    return Raw("Product", row.id, version, b"{}", deleted=True)
