"""Platform events (`X__e`): what an org or a client publishes, on `/event/X__e`."""

import io
import json
from datetime import datetime
from typing import Any

import fastavro

from connectors.sandbox.salesforce.changes import Change, Stored
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.pubsub.bodies import avro_value, milliseconds
from connectors.sandbox.salesforce.pubsub.layout import Slot
from connectors.sandbox.salesforce.pubsub.refusals import RefusalError
from connectors.sandbox.salesforce.pubsub.schemas import schema_of


def platform_schema(base: SObject) -> str:
    """The schema of a platform event, as JSON: who made it and when, then the fields that the org declared."""
    declared = [Slot(field.name, field) for field in base.fields.values() if field.custom]
    record = json.loads(schema_of(base.name, declared))
    created = [
        {"name": "CreatedDate", "type": "long", "doc": "CreatedDate:DateTime"},
        {"name": "CreatedById", "type": "string", "doc": "CreatedBy:EntityId"},
    ]
    return json.dumps({**record, "name": base.name, "fields": [*created, *record["fields"][1:]]})


def platform_datum(base: SObject, change: Change, user: str, now: datetime) -> dict[str, Any]:
    """The Avro datum of an event that was published as a record."""
    record = change.record or Stored()
    values = {name: avro_value(field, record.get(name)) for name, field in base.fields.items() if field.custom}
    return {"CreatedDate": milliseconds(now), "CreatedById": user, **values}


def check_payload(base: SObject, schema: str | None, payload: bytes) -> None:
    """Raise RefusalError unless a publisher's payload can be read with a schema of the event."""
    parsed = json.loads(schema) if schema else {}
    if parsed.get("name") != base.name:
        raise RefusalError("schema.validation.failed")
    try:
        fastavro.schemaless_reader(io.BytesIO(payload), parsed, None)
    except (ValueError, TypeError, EOFError, IndexError, KeyError, AssertionError):
        raise RefusalError("publish.payload.invalid") from None
