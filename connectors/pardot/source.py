"""Reads changes by polling; version 5 pushes nothing."""

import zlib
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from connectors import accounts
from connectors.errors import RetryableError
from connectors.pardot.checkpoint import Checkpoint, Walk, decode, encode
from connectors.pardot.client import PAGE, PardotClient, Record
from connectors.pardot.cursor import BEGINNING, Pass, Row, Tail, written
from connectors.pardot.errors import SlowQueryError, midnight
from connectors.pardot.polled import Polled, polled_by
from connectors.ports import Account, Batch, Clock, Raw
from connectors.wire import dumps, iso_micros, parse_instant

LAG_SECONDS = 120.0
"""Reads may be 60 seconds behind; as much again for clocks that differ."""
WINDOW_DAYS = 30.0
WIDEST = timedelta(days=512)
REMIND_SECONDS = 900.0


class PardotSource:
    """Polls the objects of setting `objects`, one after the other; each batch is one call to the vendor."""

    name = "pardot"

    def __init__(
        self, client: PardotClient, account: Account, clock: Clock, *, zone: ZoneInfo, daily_calls: float
    ) -> None:
        self._client = client
        self._clock = clock
        self._zone = zone
        self._where = accounts.where(account)
        self._objects = polled_by(account)
        self._start = accounts.instant(account, "start_at")
        self._lag = timedelta(seconds=accounts.number(account, "lag_seconds", LAG_SECONDS))
        self._span = timedelta(days=accounts.number(account, "window_days", WINDOW_DAYS, minimum=0.001))
        self._page = min(PAGE, int(accounts.number(account, "page_size", PAGE, minimum=1)))
        self._budget = accounts.number(account, "read_calls", daily_calls / 2, minimum=1)

    @property
    def reads(self) -> bool:
        """Whether the connection names anything to read."""
        return bool(self._objects)

    async def read(self, cursor: str | None) -> AsyncIterator[Batch]:
        """Yield what changed since `cursor` until there is nothing newer; None: from `start_at`, or all there is.

        Raises:
            ConnectorError: see `ports.Source`; RetryableError when the day's budget of reads is spent.
        """
        checkpoint = decode(cursor, self._where)
        for polled in self._objects:
            walk = (checkpoint.walks.get(polled.name) or self._first(polled)).begin(self._clock.now())
            if isinstance(walk, Pass) and walk.at >= walk.end:
                continue  # `start_at` lies ahead, or the clock was set back
            while walk.begun is not None:
                checkpoint = self._spent(checkpoint)
                try:
                    records, more = await self._client.query(polled.path, self._params(polled, walk))
                except SlowQueryError:
                    narrower = walk.halved() if isinstance(walk, Pass) else None
                    if narrower is not None:
                        yield Batch([], encode(_with(checkpoint, polled, narrower)))
                    raise
                raws = [_raw(polled, record) for record in records]
                rows = [_row(raw) for raw in raws]
                fresh, binned = walk.fresh(rows), walk.binned()
                walk = self._follow(walk, rows, more=more)
                checkpoint = _with(checkpoint, polled, walk)
                news = [_told(raw, binned) for raw in raws if int(raw.remote_id) in fresh]
                yield Batch(news, encode(checkpoint))

    def _first(self, polled: Polled) -> Walk:
        return Pass(self._start or BEGINNING, self._span) if polled.changes else Tail()

    def _spent(self, checkpoint: Checkpoint) -> Checkpoint:
        """Return the checkpoint with one call more.

        Raises:
            RetryableError: that would be more than the day's budget.
        """
        now = self._clock.now()
        day = now.astimezone(self._zone).date().isoformat()
        calls = checkpoint.calls if checkpoint.day == day else 0
        if calls >= self._budget:
            left = (midnight(now, self._zone) - now).total_seconds()
            raise RetryableError(
                f"{self._where}: the {calls} calls a day that setting read_calls gives to reading are spent; "
                "reading goes on at midnight of the account's zone, or raise the setting",
                retry_after=min(left, REMIND_SECONDS),
            )
        return replace(checkpoint, day=day, calls=calls + 1)

    def _params(self, polled: Polled, walk: Walk) -> dict[str, str]:
        params = {"fields": ",".join(polled.fields), "limit": str(self._page), **walk.filters()}
        if polled.changes:
            return {**params, "deleted": "all"}
        return {**params, "createdAtAfterOrEqualTo": written(self._start)} if self._start else params

    def _follow(self, walk: Walk, rows: Sequence[Row], *, more: bool) -> Walk:
        if more and not rows:
            raise RetryableError(f"{self._where}: Pardot answers an empty page and says that more follows")
        if isinstance(walk, Pass):
            return walk.follow(rows, more=more, lag=self._lag, widest=max(WIDEST, self._span))
        return walk.follow(rows, more=more, lag=self._lag)


def _with(checkpoint: Checkpoint, polled: Polled, walk: Walk) -> Checkpoint:
    return replace(checkpoint, walks={**checkpoint.walks, polled.name: walk})


def _raw(polled: Polled, record: Record) -> Raw:
    deleted = bool(record.get("isDeleted"))
    version = iso_micros(_stamp(polled, record))
    return Raw(polled.name, str(record["id"]), version, b"{}" if deleted else dumps(record), deleted=deleted)


def _row(raw: Raw) -> Row:
    digest = zlib.crc32(raw.body)
    return Row(int(raw.remote_id), parse_instant(raw.version), -1 - digest if raw.deleted else digest)


def _told(raw: Raw, binned: Collection[int]) -> Raw:
    return replace(raw, undeleted=True) if binned and not raw.deleted and int(raw.remote_id) in binned else raw


def _stamp(polled: Polled, record: Record) -> datetime:
    """Return the record's stamp.

    Raises:
        RetryableError: it has none that can be read.
    """
    try:
        return parse_instant(str(record[polled.stamp]))
    except (KeyError, ValueError):
        raise RetryableError(f"Pardot answers {polled.path} {record.get('id')} without {polled.stamp}") from None
