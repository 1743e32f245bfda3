"""`POST /v1/tenants/{tenant}/events`: CloudEvents 1.0 over HTTP, binary, structured or batched, into the inbox.

The event's type names the object that a mapping of the tenant (`api/<name>`) reads, `subject` is the caller's id of it,
`data` the object as JSON. Types that no mapping reads are refused, not dead-lettered.
"""

import base64
import binascii
import secrets
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.errors import MappingError
from connectors.kafka.headers import TokenHex, event_headers, traceparent
from connectors.kafka.records import Connection, VendorRecord
from connectors.kafka.topics import INBOX
from connectors.ports import Clock
from connectors.wire import dumps, iso_micros, loads, parse_instant
from streams.gateway import bodies
from streams.gateway.answers import Answer
from streams.gateway.api import Sender, authorised, stored
from streams.gateway.inbox import Item
from streams.gateway.keys import VENDOR, ApiKeys
from streams.gateway.problems import told
from streams.gateway.seen import Seen, mark
from streams.stages.mapping import Templates

MAX_EVENTS = 500
REQUIRED = ("id", "source", "specversion", "type")
STRUCTURED, BATCHED = "application/cloudevents+json", "application/cloudevents-batch+json"


class Events:
    """Takes CloudEvents.

    Args:
        keys: who may send.
        connection: a tenant's, with its own mappings.
        shipped: the templates of everyone.
        sender: makes records durable.
        seen: events that are durable already.
        clock: of the records.
        token_hex: randomness for new traces.
    """

    def __init__(
        self,
        keys: ApiKeys,
        connection: Callable[[str], Connection | None],
        shipped: Templates,
        sender: Sender,
        seen: Seen,
        clock: Clock,
        token_hex: TokenHex = secrets.token_hex,
    ) -> None:
        self._keys = keys
        self._connection = connection
        self._shipped = shipped
        self._sender = sender
        self._seen = seen
        self._clock = clock
        self._token_hex = token_hex

    def routes(self) -> list[Route]:
        """Return the route."""
        return [Route("/v1/tenants/{tenant}/events", self.take, methods=["POST"])]

    @told
    async def take(self, request: Request) -> Response:
        """Take events in: all or none."""
        tenant = await authorised(request, self._keys)
        body = await bodies.raw(request)
        bodies.refuse_deep(body)
        events = list(_events(request, body))
        connection = self._connection(tenant)
        if connection is None:
            raise Answer("unavailable", 503, f"tenant {tenant} is not connected yet")
        templates = _templates(self._shipped, tuple(sorted(connection.mappings.items())))
        items, marks = [], []
        for number, event in enumerate(events):
            item = self._item(request, tenant, event, f"event {number}: ", templates)
            this = mark(VENDOR, tenant, str(event["source"]), str(event["id"]), item.record.body)
            if not self._seen.knows([this]):
                items.append(item)
                marks.append(this)
        await stored(self._sender, items)
        self._seen.remember(marks)
        return JSONResponse({"accepted": len(items), "repeated": len(events) - len(items)}, 202)

    def _item(
        self, request: Request, tenant: str, event: Mapping[str, Any], at: str, templates: Templates
    ) -> "Item[VendorRecord]":
        _check(event, at)
        kind, now = str(event["type"]), self._clock.now()
        if templates.inbound(VENDOR, kind) is None:
            raise Answer(
                "invalid",
                422,
                f"{at}no mapping reads events of type {kind}; add one named {VENDOR}/… to the connection",
            )
        happened = _time(event, at, now)
        record = VendorRecord(
            tenant=tenant,
            vendor=VENDOR,
            object=kind,
            remote_id=str(event.get("subject") or event["id"]),
            source_version=iso_micros(happened),
            origin="api",
            body=_data(event, at),
            received_at=now,
        )
        headers = event_headers(
            schema=record.SCHEMA,
            event_id=str(event["id"]),
            source=str(event["source"]),
            at=happened,
            trace=traceparent(request.headers.get("traceparent"), self._token_hex),
            tenant=tenant,
            origin=record.origin,
            version=record.source_version,
        )
        return Item(INBOX, record, headers)


def _events(request: Request, body: bytes) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a request (CloudEvents HTTP protocol binding 1.0.2, §3)."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == STRUCTURED:
        yield _object(_json(body), "the body")
    elif kind == BATCHED:
        events = _json(body)
        if not isinstance(events, list) or len(events) > MAX_EVENTS:
            raise Answer("malformed", 400, f"a batch is an array of at most {MAX_EVENTS} events")
        for number, event in enumerate(events):
            yield _object(event, f"event {number}")
    else:
        given = {name[3:]: unquote(value) for name, value in request.headers.items() if name.startswith("ce-")}
        if not given:
            raise Answer("malformed", 400, f"no CloudEvent: neither ce-* headers nor {STRUCTURED} or {BATCHED}")
        yield {**given, "data": _json(body)}


def _check(event: Mapping[str, Any], at: str) -> None:
    for name in REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            raise Answer("malformed", 400, f"{at}attribute {name} is missing")
    if event["specversion"] != "1.0":
        raise Answer("malformed", 400, f"{at}specversion must be 1.0")


def _time(event: Mapping[str, Any], at: str, now: datetime) -> datetime:
    if event.get("time") is None:
        return now
    try:
        return parse_instant(str(event["time"]))
    except ValueError as error:
        raise Answer("malformed", 400, f"{at}time: {error}") from None


def _data(event: Mapping[str, Any], at: str) -> bytes:
    """Return the event's data: a JSON object."""
    data = event.get("data")
    if "data_base64" in event:
        try:
            data = _json(base64.b64decode(str(event["data_base64"]), validate=True))
        except binascii.Error:
            raise Answer("malformed", 400, f"{at}data_base64 is not base64") from None
    return dumps(_object(data, f"{at}data"))


def _json(body: bytes) -> Any:
    try:
        return loads(body)
    except ValueError as error:
        raise Answer("malformed", 400, f"not JSON: {error}") from None


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Answer("malformed", 400, f"{what} is not a JSON object")
    return value


@lru_cache(maxsize=1024)
def _templates(shipped: Templates, own: tuple[tuple[str, str], ...]) -> Templates:
    try:
        return shipped.replaced(dict(own))
    except MappingError as error:
        raise Answer("unavailable", 503, f"the tenant's mappings cannot be read: {error}") from None
