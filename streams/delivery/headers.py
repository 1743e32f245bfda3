"""The headers of every record the delivery writes: CloudEvents in binary mode, trace and tenant."""

import hashlib
import uuid
from datetime import datetime

from streams.dead_letters import header
from streams.runtime.types import Headers

NAMESPACE = uuid.UUID("b6f3a0ce-5f4e-5b52-9d0f-0a4f6c1f7c15")
CARRIED = ("traceparent", "tracestate")


def event_headers(
    *, topic: str, schema: str, tenant: str, source: str, at: datetime, value: bytes, cause: Headers = ()
) -> Headers:
    """Return the headers of a record with `value`.

    Args:
        topic: where it goes.
        schema: full name of its record type, the event's type.
        tenant: whose it is.
        source: who says so, e.g. the vendor.
        at: when it happened.
        value: its bytes: the same content has the same id, so that a repeat can be told.
        cause: headers of the record that led to it; its trace goes on.
    """
    content = hashlib.sha256(value).hexdigest()
    made = {
        "ce_specversion": "1.0",
        "ce_id": str(uuid.uuid5(NAMESPACE, f"{topic}/{tenant}/{content}")),
        "ce_source": f"/sluiceway/connect/{source}",
        "ce_type": schema,
        "ce_time": at.isoformat(),
        "content-type": "application/avro",
        "x-tenant": tenant,
    }
    carried = {name: text for name in CARRIED if (text := header(cause, name)) is not None}
    return [(name, text.encode()) for name, text in (made | carried).items()]
