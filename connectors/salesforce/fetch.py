"""Reads named records in full; an opportunity comes as one snapshot with account, lines, products and contact roles."""

from collections.abc import Sequence
from typing import Any

from connectors.ports import Account, Clock, Raw
from connectors.salesforce.client import Record, SalesforceClient
from connectors.salesforce.objects import fields_of, version_of
from connectors.wire import dumps, iso_micros

SNAPSHOT = "OpportunitySnapshot"


class SalesforceFetcher:
    """Fetches by `Id IN (…)`. A snapshot is one statement with sub-queries, so that its parts belong together."""

    def __init__(self, client: SalesforceClient, account: Account, clock: Clock) -> None:
        self._client = client
        self._account = account
        self._clock = clock

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Return one Raw per id; `OpportunitySnapshot` takes opportunity ids.

        A snapshot's body is `{"Opportunity": {…}, "Account": {…} or null, "Lines": [{…, "PricebookEntry": {…},
        "Product2": {…}}], "ContactRoles": [{…, "Contact": {…}}]}`, its version the newest SystemModstamp among
        opportunity, lines and roles: a line may change alone.

        Raises:
            ConnectorError: nothing was read.
        """
        source = "Opportunity" if object_type == SNAPSHOT else object_type
        columns = self._snapshot_columns() if object_type == SNAPSHOT else list(fields_of(self._account, source))
        # The first 15 characters identify; the other three only guard against changes of case.
        wanted = {remote_id[:15]: remote_id for remote_id in ids}
        found = await self._client.by_ids(source, columns, list(wanted.values()), deleted=False)
        missing = [remote_id for short, remote_id in wanted.items() if short not in found]
        gone = await self._client.by_ids(source, ["Id", "SystemModstamp"], missing, deleted=True)
        raws = []
        for short, remote_id in wanted.items():
            if short in found:
                raws.append(self._raw(object_type, found[short]))
            else:
                raws.append(self._gone(object_type, remote_id, gone.get(short)))
        return raws

    def _snapshot_columns(self) -> list[str]:
        lines = ", ".join(fields_of(self._account, "OpportunityLineItem"))
        contact = [f"Contact.{name}" for name in fields_of(self._account, "Contact")]
        roles = ", ".join((*fields_of(self._account, "OpportunityContactRole"), *contact))
        return [
            *fields_of(self._account, "Opportunity"),
            *(f"Account.{name}" for name in fields_of(self._account, "Account")),
            f"(SELECT {lines} FROM OpportunityLineItems ORDER BY SortOrder, Id)",  # noqa: S608 (names are the operator's)
            f"(SELECT {roles} FROM OpportunityContactRoles ORDER BY Id)",  # noqa: S608 (as above)
        ]

    def _raw(self, object_type: str, record: Record) -> Raw:
        if object_type != SNAPSHOT:
            return Raw(object_type, record["Id"], version_of(record["SystemModstamp"]), dumps(record))
        body = _snapshot(record)
        parts = (record, *body["Lines"], *body["ContactRoles"])
        return Raw(object_type, record["Id"], max(version_of(part["SystemModstamp"]) for part in parts), dumps(body))

    def _gone(self, object_type: str, remote_id: str, record: Record | None) -> Raw:
        version = version_of(record["SystemModstamp"]) if record else iso_micros(self._clock.now())
        return Raw(object_type, record["Id"] if record else remote_id, version, b"{}", deleted=True)


def _snapshot(record: Record) -> dict[str, Any]:
    parts = {"Account", "OpportunityLineItems", "OpportunityContactRoles"}
    return {
        "Opportunity": {name: value for name, value in record.items() if name not in parts},
        "Account": record.get("Account"),
        "Lines": _children(record, "OpportunityLineItems"),
        "ContactRoles": _children(record, "OpportunityContactRoles"),
    }


def _children(record: Record, name: str) -> list[Any]:
    children = record.get(name) or {}
    return list(children.get("records", []))
