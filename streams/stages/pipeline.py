"""The way in: one record of the inbox and the tenant's state become records to be produced.

The order of a record's way is the order of the modules: `canonicalise` or `results` (map, `identity`, `merge`), then
`finance`, then `route`. Everything is a function of record and state: the same record on the same state gives the same
bytes, in a replay as well.
"""

from collections.abc import Callable

from connectors.kafka.codec import Codec
from connectors.kafka.records import ConnectionChanged, Decision, Request, Tick, VendorRecord, VendorResult
from connectors.wire import iso_micros
from streams.stages import (
    canonicalise,
    display,
    disputes,
    finance,
    holds,
    opportunities,
    orders,
    overheard,
    parties,
    requests,
    results,
    settings,
    totals,
)
from streams.stages.mapping import Templates
from streams.stages.route import route
from streams.stages.tables import Rows, State
from streams.stages.work import Emit, Work

__all__ = ["Emit", "Pipeline", "State", "Value"]

Value = VendorRecord | VendorResult | ConnectionChanged | Request | Decision | Tick
Unread = Callable[[str, str], None]
"""Told vendor and object of a record that is passed over: no template reads such objects (yet)."""


class Pipeline:
    """All stages; keeps nothing between records but compiled templates and rules."""

    def __init__(self, codec: Codec, templates: Templates, unread: Unread = lambda _vendor, _object: None) -> None:
        self._codec = codec
        self._templates = templates
        self._unread = unread

    def process(self, value: Value, state: State, at: str) -> list[Emit]:
        """Work on one record and return what is to be produced, in order; rows are written to `state`.

        Args:
            value: the record.
            state: rows of the record's partition; the caller drops what was written if this raises.
            at: where the record stands, `topic/partition/offset`; changes name it.

        Raises:
            MappingError: a record, mapping or rule cannot become what is asked: dead letter.
            RejectedError: the tenant is not connected: dead letter.
            DecodeError: a row of the state is broken: dead letter.
        """
        rows = Rows(value.tenant, state, self._codec)
        emits = self._emits(value, rows, at)
        rows.flush()
        return emits

    def _emits(self, value: Value, rows: Rows, at: str) -> list[Emit]:
        if isinstance(value, ConnectionChanged):
            settings.accept(value, rows, self._templates)
            return []
        if isinstance(value, Tick) and rows.connection.raw() is None:
            return []  # disconnected since
        current = settings.current(value.tenant, rows, self._templates)
        if isinstance(value, Request):
            return self._request(value, Work(rows, current, value.received_at, f"api/{value.object}/{value.key} {at}"))
        if isinstance(value, Decision):
            about = value.review or value.party or value.order
            work = Work(rows, current, value.decided_at, f"decision/{value.verdict}/{about} {at}")
            if not (orders.decide(work, value) or holds.decide(work, value) or disputes.decide(work, value)):
                parties.decide(work, value)
        elif isinstance(value, Tick):
            work = Work(rows, current, value.at, f"tick/{value.on.isoformat()} {at}")
            overheard.tick(work)
            finance.tick(work, value)
        elif isinstance(value, VendorResult):
            version = iso_micros(value.delivered_at)
            work = Work(rows, current, value.delivered_at, _cause(value, version, at))
            results.take(work, value)
        elif display.is_other(value):
            work = Work(rows, current, value.received_at, _cause(value, value.source_version, at))
            display.take(work, value)
        elif current.templates.inbound(value.vendor, opportunities.object_of(value)) is None:
            self._unread(value.vendor, value.object)
            return []
        else:
            work = Work(rows, current, value.received_at, _cause(value, value.source_version, at))
            canonicalise.take(work, value)
        _follow(work)
        return work.emits

    def _request(self, request: Request, work: Work) -> list[Emit]:
        party_id = requests.take(work, request)
        _follow(work)
        if party_id is not None:
            requests.ask(work, request, party_id)
        return work.emits


def _follow(work: Work) -> None:
    orders.settle(work)
    totals.settle(work)
    finance.settle(work)
    disputes.settle(work)
    route(work, work.flush())


def _cause(value: VendorRecord | VendorResult, version: str, at: str) -> str:
    return f"{value.vendor}/{value.object}/{value.remote_id}/{version} {at}"
