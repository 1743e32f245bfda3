"""The headers of every record: CloudEvents (binary mode), W3C trace context, and ours for routing without decoding."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import cache

from connectors.kafka.records import VendorRecord

TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

_SPECIFICATION = ("ce_specversion", b"1.0")

TokenHex = Callable[[int], str]
"""`secrets.token_hex`: so many random bytes in hexadecimal."""


def traceparent(received: str | None, token_hex: TokenHex) -> str:
    """Return the caller's trace context if it is one (W3C Trace Context), else the beginning of a new trace."""
    if received is not None and TRACEPARENT.fullmatch(received):
        return received
    return f"00-{token_hex(16)}-{token_hex(8)}-01"


def event_headers(
    *,
    schema: str,
    event_id: str,
    source: str,
    at: datetime,
    tenant: str,
    trace: str = "",
    origin: str = "",
    version: str = "",
) -> list[tuple[str, bytes]]:
    """Return all headers of a record; those that are empty are left out.

    Args:
        schema: full name of its record type, the event's type.
        event_id: equal for a repetition of the same event.
        source: who says so, a path.
        at: when it happened.
        tenant: whose it is.
        trace: the `traceparent`.
        origin: how it came: poll, stream, webhook, fetch, write, cli.
        version: `x-source-version`.
    """
    return Headers(source=source, at=at, tenant=tenant, trace=trace, origin=origin, version=version).of(
        schema, event_id
    )


class Headers:
    """What the headers of all records that one cause leads to have in common; the arguments of `event_headers`."""

    __slots__ = ("_last", "_source")

    def __init__(
        self, *, source: str, at: datetime, tenant: str, trace: str = "", origin: str = "", version: str = ""
    ) -> None:
        self._source = ("ce_source", source.encode())
        self._last = [
            (name, text.encode())
            for name, text in (
                ("ce_time", at.isoformat().replace("+00:00", "Z")),
                ("content-type", "application/avro"),
                ("traceparent", trace),
                ("x-tenant", tenant),
                ("x-origin", origin),
                ("x-source-version", version),
            )
            if text
        ]

    def of(self, schema: str, event_id: str) -> list[tuple[str, bytes]]:
        """Return all headers of one record."""
        return [_SPECIFICATION, ("ce_id", event_id.encode()), self._source, _type(schema), *self._last]


@cache
def _type(schema: str) -> tuple[str, bytes]:
    return "ce_type", schema.encode()


def webhook_headers(record: VendorRecord, trace: str) -> list[tuple[str, bytes]]:
    """Return the headers of a record that a webhook brought.

    The event id names object and version, so that a repeated delivery of the same change has the same id.
    """
    return event_headers(
        schema=record.SCHEMA,
        event_id=f"{record.object}/{record.remote_id}/{record.source_version}",
        source=f"/sluiceway/gateway/{record.vendor}",
        at=record.received_at,
        trace=trace,
        tenant=record.tenant,
        origin=record.origin,
        version=record.source_version,
    )
