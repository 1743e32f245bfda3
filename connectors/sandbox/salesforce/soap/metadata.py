"""Calls of the Metadata API, `/services/Soap/m/{version}`: fields and objects, one by one."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.sandbox.salesforce.declarations import declare_field, declare_object
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.org import Org, Unit
from connectors.sandbox.salesforce.soap.envelope import TYPE, Element

# "createMetadata()": components of one call.
_MOST = 10
_TYPES = {
    "string": "Text",
    "textarea": "LongTextArea",
    "picklist": "Picklist",
    "email": "Email",
    "phone": "Phone",
    "url": "Url",
    "double": "Number",
    "int": "Number",
    "currency": "Currency",
    "percent": "Percent",
    "boolean": "Checkbox",
    "date": "Date",
    "datetime": "DateTime",
    "reference": "Lookup",
}
_FIELD, _OBJECT = "CustomField", "CustomObject"


def create(unit: Unit, call: Element) -> list[dict[str, Any]]:
    """`createMetadata` of CustomField and CustomObject: a result each."""
    parts = call.all("metadata")
    if len(parts) > _MOST:
        raise ApiError("LIMIT_EXCEEDED", f"at most {_MOST} components can be created in a call")
    return [_created(unit.org, part) for part in parts]


def _created(org: Org, part: Element) -> dict[str, Any]:
    full_name = part.value("fullName")
    try:
        _declare(org, part, full_name)
    except ApiError as error:
        return {"errors": {"message": error.message, "statusCode": error.code}, "fullName": full_name, "success": False}
    return {"fullName": full_name, "success": True}


def _declare(org: Org, part: Element, full_name: str) -> None:
    if part.type == _FIELD:
        declare_field(org, full_name, _options(part))
    elif part.type == _OBJECT:
        declare_object(org, full_name)
    else:
        raise ApiError("INVALID_TYPE", f"{part.type} is not served by this sandbox; served: {_FIELD}, {_OBJECT}")


def _options(part: Element) -> dict[str, Any]:
    found: dict[str, Any] = {inner.name: inner.text for inner in part.inner}
    numbers = {name: int(found[name]) for name in ("length", "scale") if str(found.get(name, "")).isdigit()}
    return found | numbers | {name: found.get(name) == "true" for name in ("externalId", "unique")}


def read(unit: Unit, call: Element) -> list[dict[str, Any]]:
    """`readMetadata` of custom fields; one that is not there is an empty record."""
    if call.value("type") != _FIELD:
        raise ApiError("INVALID_TYPE", f"{call.value('type')} is not served by this sandbox; served: {_FIELD}")
    return [{"records": [_described(unit.org, name) for name in call.texts("fullNames")]}]


def _described(org: Org, full_name: str) -> dict[str, Any]:
    name, _, field_name = full_name.partition(".")
    base = org.schema.find(name)
    field = base.field(field_name) if base else None
    return _shown(full_name, field) if field is not None and field.custom else {"fullName": None}


def _shown(full_name: str, field: Field) -> dict[str, Any]:
    body: dict[str, Any] = {TYPE: _FIELD, "fullName": full_name, "externalId": field.external, "label": field.name[:-3]}
    body |= {"length": field.length} if field.length else {}
    body |= {"precision": 18, "scale": field.scale} if _TYPES[field.kind] in {"Number", "Currency", "Percent"} else {}
    return body | {"type": _TYPES[field.kind], "unique": field.unique}


CALLS: Mapping[str, Callable[[Unit, Element], list[dict[str, Any]]]] = {
    "createMetadata": create,
    "readMetadata": read,
}
