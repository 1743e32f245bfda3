"""The custom fields of a company's sales forms, as its preferences tell them.

Preferences show the three text fields that every plan has; more of them, and other types, are told by Intuit's GraphQL
API alone, which is for production companies and paid tiers (page "Create custom fields"). Those may be named in a
connection by their `legacyIDV2`, but are not described here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.errors import RejectedError
from connectors.ports import FieldInfo
from connectors.quickbooks.client import QuickBooksClient

CLASSIC = frozenset("123")
LENGTH = 31
_USED = re.compile(r"SalesFormsPrefs\.UseSalesCustom(\d)")
_NAMED = re.compile(r"SalesFormsPrefs\.SalesCustomName(\d)")


class QuickBooksDescriber:
    """Sales forms share their definitions."""

    objects = ("Invoice", "SalesReceipt")

    def __init__(self, client: QuickBooksClient) -> None:
        self._client = client

    def describes(self, name: str) -> bool:
        """Tell whether preferences show such a definition; longer numbers are those of paid tiers, which they do not.

        A fourth classic one is more than any plan has, and a name is none, so they are told as missing.
        """
        return len(name) == 1 or not name.isdecimal()

    async def fields(self, object_type: str) -> Sequence[FieldInfo]:
        """Return the custom fields in use, each named by its DefinitionId.

        Raises:
            ConnectorError: they could not be read, or RejectedError: another type is asked for.
        """
        if object_type not in self.objects:
            raise RejectedError(
                f"QuickBooks: {object_type} has no custom fields that we write; {' and '.join(self.objects)} have"
            )
        preferences = await self._client.preferences()
        rows = list(_rows(preferences.get("SalesFormsPrefs") or {}))
        used = {match[1] for row in rows if (match := _USED.fullmatch(row["Name"])) and row.get("BooleanValue") is True}
        labels = {match[1]: row.get("StringValue") for row in rows if (match := _NAMED.fullmatch(row["Name"]))}
        return [FieldInfo(id_, labels.get(id_) or id_, "string", LENGTH) for id_ in sorted(used)]


def _rows(forms: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the entries of the doubly nested list."""
    for outer in forms.get("CustomField") or ():
        yield from (row for row in outer.get("CustomField") or () if isinstance(row.get("Name"), str))
