"""Reads changes by polling windows of SystemModstamp, deleted records included."""

import zlib
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from connectors import accounts
from connectors.cursors import worth_storing
from connectors.ports import Account, Batch, Clock, Raw
from connectors.salesforce.client import Record, SalesforceClient
from connectors.salesforce.cursor import Position, Row, State, decode, encode
from connectors.salesforce.objects import POLLED
from connectors.salesforce.records import columns_of, raw_of, window
from connectors.wire import dumps, parse_instant

OVERLAP_SECONDS = 300.0


class SalesforceSource:
    """Polls the objects of setting `objects`, one after the other, parents first."""

    name = "salesforce"

    def __init__(self, client: SalesforceClient, account: Account, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._where = accounts.where(account)
        self._columns = {name: columns_of(account, name) for name in accounts.names(account, "objects", POLLED)}
        self._overlap = timedelta(seconds=accounts.number(account, "overlap_seconds", OVERLAP_SECONDS))
        self._start = accounts.instant(account, "start_at")

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield pages from just after `cursor` until there is nothing newer; None: from `start_at`, or all there is.

        Raises:
            ConnectorError: see `ports.Source`; a session that ends between two pages is a RetryableError.
        """
        stored = decode(cursor, self._where)
        # A stream's backfill that is not over is done again: its jobs are not for us.
        state = State({name: p for name, p in stored.positions.items() if name not in stored.jobs})
        for name in self._columns:
            async for records, position in self._object(name, state.positions.get(name)):
                state.positions[name] = position
                yield Batch(records, encode(state))

    async def _object(self, name: str, stored: Position | None) -> AsyncIterator[tuple[Sequence[Raw], Position]]:
        position = stored or Position(self._start)
        now = self._clock.now().replace(microsecond=0)
        # Stamps have whole seconds: the one under way is read too, and what happens in it later has another digest.
        until, settled = now + timedelta(seconds=1), now - self._overlap
        statement = f"{window(name, self._columns[name], position.since, until)} ORDER BY SystemModstamp, Id"
        async for page in self._client.query(statement, deleted=True):
            rows = {record["Id"]: _row(record) for record in page.records}
            fresh = {row.id for row in position.fresh(list(rows.values()))}
            before = len(position.seen)
            position = position.after(list(rows.values()), settled)
            if page.last:
                position = position.finished(settled)
            if fresh or (page.last and (stored is None or worth_storing(before, len(position.seen)))):
                raws = (raw_of(name, record) for record in page.records if record["Id"] in fresh)
                yield [raw for raw in raws if raw is not None], position


def _row(record: Record) -> Row:
    return Row(record["Id"], parse_instant(record["SystemModstamp"]), zlib.crc32(dumps(record)))
