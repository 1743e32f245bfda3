"""Declaring custom fields through the Tooling API: `POST tooling/sobjects/CustomField`."""

import re
from dataclasses import dataclass

from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, not_found
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field

_NAME = re.compile(r"(\w+)\.([A-Za-z]\w{0,39}__c)")


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: str
    length: int = 0


# Metadata API, CustomField.type: the served kinds.
_KINDS = {
    "Text": _Kind("string", 255),
    "TextArea": _Kind("textarea", 255),
    "LongTextArea": _Kind("textarea", 32_768),
    "Picklist": _Kind("picklist", 255),
    "Email": _Kind("email", 80),
    "Phone": _Kind("phone", 40),
    "Url": _Kind("url", 255),
    "Number": _Kind("double"),
    "Currency": _Kind("currency"),
    "Percent": _Kind("percent"),
    "Checkbox": _Kind("boolean"),
    "Date": _Kind("date"),
    "DateTime": _Kind("datetime"),
}


def serve(call: Call) -> Reply:
    """Answer `tooling/sobjects/CustomField` with `{FullName: "Object.Name__c", Metadata: {type, ...}}`.

    Of the metadata `type`, `length`, `scale`, `externalId` and `unique` count.
    """
    if call.steps[1:] != ("sobjects", "CustomField"):
        raise not_found()
    if call.method != "POST":
        raise not_allowed(call.method)
    body = call.fields()
    name, field = _parse(body.get("FullName"), body.get("Metadata"))
    base = call.unit.org.schema.find(name)
    if base is None:
        raise ApiError("INVALID_TYPE", f"sObject type '{name}' is not supported.", ["FullName"])
    if base.field(field.name) is not None:
        message = f"There is already a field named {field.name} on {base.name}."
        raise ApiError("DUPLICATE_DEVELOPER_NAME", message, ["FullName"])
    call.unit.org.declare(base.name, field)
    return Reply(201, {"id": call.unit.org.next_id("00N"), "success": True, "errors": []})


def _parse(full_name: object, metadata: object) -> tuple[str, Field]:
    match = _NAME.fullmatch(full_name) if isinstance(full_name, str) else None
    if match is None:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", "FullName: must be like Account.Region__c", ["FullName"])
    known = metadata if isinstance(metadata, dict) else {}
    kind = _KINDS.get(str(known.get("type")))
    if kind is None:
        message = f"Metadata.type: must be one of {', '.join(_KINDS)}, not {known.get('type')!r}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["Metadata"])
    length, scale = known.get("length"), known.get("scale")
    return match.group(1), Field(
        match.group(2),
        kind.kind,
        length=length if isinstance(length, int) and kind.length else kind.length,
        scale=scale if isinstance(scale, int) else 2,
        external=known.get("externalId") is True,
        unique=known.get("unique") is True,
    )
