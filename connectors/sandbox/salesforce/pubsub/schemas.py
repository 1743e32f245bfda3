"""Avro schemas of change events, and their ids."""

import base64
import hashlib
import json
from typing import Any

from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.pubsub.layout import PERSON, Slot, event_name

NAMESPACE = "com.sforce.eventbus"
HEADER = "ChangeEventHeader"
CHANGE_TYPES = (
    *("CREATE", "UPDATE", "DELETE", "UNDELETE"),
    *("GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE", "GAP_OVERFLOW", "SNAPSHOT"),
)
_STRINGS = {"type": "array", "items": "string"}
_HEADER_FIELDS: dict[str, Any] = {
    "entityName": "string",
    "recordIds": _STRINGS,
    "changeType": {"type": "enum", "name": "ChangeType", "symbols": list(CHANGE_TYPES)},
    "changeOrigin": "string",
    "transactionKey": "string",
    "sequenceNumber": "int",
    "commitTimestamp": "long",
    "commitNumber": "long",
    "commitUser": "string",
    "nulledFields": _STRINGS,
    "diffFields": _STRINGS,
    "changedFields": _STRINGS,
}
# Field kind -> Avro type and the vendor's note in `doc`. Dates and instants are both epoch milliseconds.
_KINDS = {
    "boolean": ("boolean", "Boolean"),
    "double": ("double", "Double"),
    "currency": ("double", "Currency"),
    "percent": ("double", "Percent"),
    "int": ("int", "Integer"),
    "date": ("long", "DateOnly"),
    "datetime": ("long", "DateTime"),
    "reference": ("string", "EntityId"),
    "picklist": ("string", "DynamicEnum"),
    "email": ("string", "Email"),
    "phone": ("string", "Phone"),
    "url": ("string", "Url"),
}
_ID_BYTES = 16


def schema_of(entity: str, slots: list[Slot]) -> str:
    """The schema of an object's change event, as JSON."""
    seen: set[str] = set()
    header = {"type": "record", "name": HEADER, "fields": [_named(name, kind) for name, kind in _HEADER_FIELDS.items()]}
    fields = [_named(HEADER, header), *(_field(entity, slot, seen) for slot in slots)]
    return json.dumps({"type": "record", "name": event_name(entity), "namespace": NAMESPACE, "fields": fields})


def schema_id(schema: str) -> str:
    """22 characters that follow from the schema, so that a new field gives a new id."""
    digest = hashlib.sha256(schema.encode()).digest()[:_ID_BYTES]
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _named(name: str, kind: Any) -> dict[str, Any]:
    return {"name": name, "type": kind}


def _field(entity: str, slot: Slot, seen: set[str]) -> dict[str, Any]:
    if slot.field is not None:
        # An account's name may be a person's in orgs with person accounts; elsewhere it is text.
        union = ["null", "string", _person()] if (entity, slot.name) == ("Account", "Name") else _union(slot.field)
        return {**_named(slot.name, union), "doc": _doc(slot.field), "default": None}
    named = f"{NAMESPACE}.{slot.record}"
    kind: Any = named if slot.record in seen else _record(slot.record, [part.name for part in slot.parts])
    seen.add(slot.record)
    return {**_named(slot.name, ["null", kind]), "doc": f"Data:{slot.record}", "default": None}


def _record(name: str, parts: list[str]) -> dict[str, Any]:
    fields = [{**_named(part, ["null", "string"]), "doc": "Data:Text", "default": None} for part in parts]
    return {"type": "record", "name": name, "fields": fields}


def _person() -> dict[str, Any]:
    return _record(f"Switchable_{PERSON}", ["Salutation", "FirstName", "LastName"])


def _union(field: Field) -> list[str]:
    return ["null", _KINDS.get(field.kind, ("string", ""))[0]]


def _doc(field: Field) -> str:
    note = "CreatedDate:DateTime" if field.name == "CreatedDate" else _KINDS.get(field.kind, ("", "Text"))[1]
    return note if ":" in note else f"Data:{note}"
