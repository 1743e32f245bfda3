"""The headers of every record: CloudEvents (binary mode), W3C trace context, and ours for routing without decoding."""

import re
from collections.abc import Callable
from datetime import datetime

from connectors.kafka.records import VendorRecord

TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")

TokenHex = Callable[[int], str]
"""`secrets.token_hex`: so many random bytes in hexadecimal."""


def traceparent(received: str | None, token_hex: TokenHex) -> str:
    """Return the caller's trace context if it is one (W3C Trace Context), else the beginning of a new trace."""
    if received is not None and TRACEPARENT.fullmatch(received):
        return received
    return f"00-{token_hex(16)}-{token_hex(8)}-01"


def webhook_headers(record: VendorRecord, trace: str) -> list[tuple[str, bytes]]:
    """Return the headers of a record that a webhook brought for `inbox.v1`.

    The event id names object and version, so that a repeated delivery of the same change has the same id.
    """
    return [
        (name, value.encode())
        for name, value in (
            ("ce_specversion", "1.0"),
            ("ce_id", f"{record.object}/{record.remote_id}/{record.source_version}"),
            ("ce_source", f"/sluiceway/gateway/{record.vendor}"),
            ("ce_type", record.SCHEMA),
            ("ce_time", _rfc3339(record.received_at)),
            ("content-type", "application/avro"),
            ("traceparent", trace),
            ("x-tenant", record.tenant),
            ("x-origin", record.origin),
            ("x-source-version", record.source_version),
        )
    ]


def _rfc3339(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
