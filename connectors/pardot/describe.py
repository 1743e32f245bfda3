"""The fields of a business unit's prospects: those of version 5, and what `objects/custom-fields` tells."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import RejectedError
from connectors.pardot.client import PAGE, PardotClient
from connectors.pardot.prospects import FETCHED, OBJECT
from connectors.ports import FieldInfo

FIELDS = "id,name,fieldId,type,isRecordMultipleResponses,isUseValues"
TYPES: Mapping[str, str] = {
    "Text": "string",
    "Textarea": "string",
    "Hidden": "string",
    "Number": "number",
    "Date": "date",
    "Checkbox": "texts",
    "Multi-Select": "texts",
    "Dropdown": "picklist",
    "Radio Button": "picklist",
}

READ_ONLY = frozenset({"id", "grade", "isDeleted", "createdAt", "updatedAt"})


class PardotDescriber:
    """Pardot tells of its custom fields neither lengths nor the values of a list, and takes any value."""

    objects = (OBJECT,)

    def __init__(self, client: PardotClient) -> None:
        self._client = client

    def describes(self, name: str) -> bool:
        """Tell that any field is described."""
        return bool(name)

    async def fields(self, object_type: str) -> Sequence[FieldInfo]:
        """Return the fields of prospects.

        Raises:
            ConnectorError: they could not be read, or RejectedError: another type is asked for.
        """
        if object_type not in self.objects:
            raise RejectedError(f"Pardot: {object_type} has no custom fields that the API serves; only {OBJECT} has")
        found: list[FieldInfo] = []
        more, last = True, 0
        while more:
            params = {"fields": FIELDS, "limit": str(PAGE), "orderBy": "id ASC", "idGreaterThan": str(last)}
            rows, more = await self._client.query("custom-fields", params)
            found += map(_info, rows)
            last = max((int(row["id"]) for row in rows), default=last)
            more = more and bool(rows)
        found += [FieldInfo(name, name, "other", writable=name not in READ_ONLY, custom=False) for name in FETCHED]
        return sorted(found, key=lambda field: field.name)


def _info(row: Mapping[str, Any]) -> FieldInfo:
    kind = "texts" if row.get("isRecordMultipleResponses") else TYPES.get(str(row.get("type")), "other")
    return FieldInfo(str(row["fieldId"]), str(row.get("name") or row["fieldId"]), kind)
