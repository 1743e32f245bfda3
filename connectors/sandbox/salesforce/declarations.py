"""Declaring custom fields and objects, as the Tooling and the Metadata API describe them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.org import Org

_OBJECT = re.compile(r"[A-Za-z]\w{0,39}__[ce]")
_NAME = re.compile(r"(\w+)\.([A-Za-z]\w{0,39}__c)")


@dataclass(frozen=True, slots=True)
class _Kind:
    kind: str
    length: int = 0


# The longest long text area.
_LONGEST_TEXT = 131_072
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


def declare_field(org: Org, full_name: str, metadata: Mapping[str, Any]) -> None:
    """Add a field to an object.

    Args:
        org: Whose object.
        full_name: `Object.Name__c`.
        metadata: Of it `type`, `length`, `scale`, `externalId` and `unique` count.

    Raises:
        ApiError: FIELD_INTEGRITY_EXCEPTION, INVALID_TYPE or DUPLICATE_DEVELOPER_NAME.
    """
    name, field = _parse(full_name, metadata)
    base = org.schema.find(name)
    if base is None:
        raise ApiError("INVALID_TYPE", f"sObject type '{name}' is not supported.", ["FullName"])
    if base.field(field.name) is not None:
        message = f"There is already a field named {field.name} on {base.name}."
        raise ApiError("DUPLICATE_DEVELOPER_NAME", message, ["FullName"])
    org.declare(base.name, field)


def declare_object(org: Org, full_name: str) -> None:
    """Add a custom object or, as `X__e`, a platform event; raises ApiError as `declare_field` does."""
    if not _OBJECT.fullmatch(full_name):
        raise ApiError(
            "FIELD_INTEGRITY_EXCEPTION", f"fullName: must be like Plan__c or Paid__e, not {full_name}", ["fullName"]
        )
    if org.schema.find(full_name) is not None:
        raise ApiError("DUPLICATE_DEVELOPER_NAME", f"There is already an object named {full_name}.", ["fullName"])
    org.declare_object(full_name)


def _parse(full_name: str, metadata: Mapping[str, Any]) -> tuple[str, Field]:
    match = _NAME.fullmatch(full_name)
    if match is None:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", "FullName: must be like Account.Region__c", ["FullName"])
    kind = _KINDS.get(str(metadata.get("type")))
    if kind is None:
        message = f"Metadata.type: must be one of {', '.join(_KINDS)}, not {metadata.get('type')!r}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["Metadata"])
    length = metadata.get("length")
    if isinstance(length, int) and length > _LONGEST_TEXT:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", f"Metadata.length: at most {_LONGEST_TEXT}", ["Metadata"])
    scale = metadata.get("scale")
    return match.group(1), Field(
        match.group(2),
        kind.kind,
        length=length if isinstance(length, int) and kind.length else kind.length,
        scale=scale if isinstance(scale, int) else 2,
        external=metadata.get("externalId") is True,
        unique=metadata.get("unique") is True,
    )
