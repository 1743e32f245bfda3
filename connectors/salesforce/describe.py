"""The fields of an org, as `sobjects/<Object>/describe` tells them."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.ports import FieldInfo
from connectors.salesforce.client import SalesforceClient

TYPES: Mapping[str, str] = {
    "boolean": "boolean",
    "date": "date",
    "datetime": "instant",
    "picklist": "picklist",
    "combobox": "string",
    "multipicklist": "texts",
    **dict.fromkeys(("int", "double", "currency", "percent", "long"), "number"),
    **dict.fromkeys(("string", "textarea", "email", "phone", "url", "id", "reference", "encryptedstring"), "string"),
}


class SalesforceDescriber:
    """What field-level security hides from our user is not told, and neither read nor written."""

    objects = ("Account", "Contact", "Lead", "Opportunity", "Product2")

    def __init__(self, client: SalesforceClient) -> None:
        self._client = client

    def describes(self, name: str) -> bool:
        """Tell that any field is described."""
        return bool(name)

    async def fields(self, object_type: str) -> Sequence[FieldInfo]:
        """Return the fields of an object.

        Raises:
            ConnectorError: they could not be read.
        """
        answer = await self._client.get(f"sobjects/{object_type}/describe")
        return sorted(map(_info, answer.get("fields", [])), key=lambda field: field.name)


def _info(field: Mapping[str, Any]) -> FieldInfo:
    kind = TYPES.get(field.get("type", ""), "other")
    return FieldInfo(
        name=field["name"],
        label=field.get("label") or field["name"],
        type=kind,
        length=int(field.get("length") or 0) if kind == "string" else 0,
        writable=bool(field.get("updateable")),
        values=tuple(value["value"] for value in field.get("picklistValues") or () if value.get("active")),
        restricted=bool(field.get("restrictedPicklist")),
        custom=bool(field.get("custom")),
    )
