"""Looking for our object before a create is repeated: by reference where there is one, else by identity."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from connectors.errors import DuplicateError
from connectors.ports import Call, Outcome
from connectors.quickbooks.client import Entity, QuickBooksClient, quoted
from connectors.quickbooks.objects import display_name, is_marked, stored
from connectors.wire import iso_micros

CLOCKS_DIFFER = timedelta(minutes=5)


async def find(client: QuickBooksClient, call: Call) -> Outcome | None:
    """Return the object of `call`, None if QuickBooks surely has none, or a DuplicateError as the outcome.

    Raises:
        ConnectorError: a query failed.
    """
    if call.remote is not None:
        entity = await client.read(call.object, call.remote.id)
        return stored(entity) if entity else None
    if call.object == "Customer":
        return await _customer(client, call)
    if call.object == "Item":
        return await _item(client, call.body)
    return await _transaction(client, call)


async def _customer(client: QuickBooksClient, call: Call) -> Outcome | None:
    name = display_name(call.body)
    for entity in ("Customer", "Vendor", "Employee"):
        for other in await client.query(entity, f"DisplayName = {quoted(name)}"):
            if entity == "Customer" and (other["Id"] in call.former_ids or _same_customer(other, call)):
                return stored(other)
            return _clash(f"the DisplayName is taken by {entity} {other['Id']}")
    return None


def _same_customer(other: Entity, call: Call) -> bool:
    if is_marked(str(other.get("Notes", "")), call.object_key):
        return True
    mine, theirs = _identity(call.body), _identity(other)
    return any(value and value == theirs[name] for name, value in mine.items())


def _identity(body: Mapping[str, Any]) -> dict[str, str]:
    email = (body.get("PrimaryEmailAddr") or {}).get("Address", "")
    return {"email": _folded(email), "company": _folded(body.get("CompanyName") or "")}


def _folded(value: str) -> str:
    return " ".join(value.casefold().split())


async def _item(client: QuickBooksClient, body: Mapping[str, Any]) -> Outcome | None:
    sku, name = body.get("Sku"), body.get("Name")
    if sku:
        found = await client.query("Item", f"Sku = {quoted(sku)}")
        if len(found) == 1:
            return stored(found[0])
        if found:
            return _clash(f"the Sku is shared by items {', '.join(item['Id'] for item in found)}")
    for other in await client.query("Item", f"Name = {quoted(name)}") if name else ():
        if sku and other.get("Sku") and other["Sku"] != sku:
            return _clash(f"the Name is taken by Item {other['Id']}, which has another Sku")
        if other.get("Type") in {"Category", "Group"}:
            return _clash(f"the Name is taken by {other['Type']} {other['Id']}")
        return stored(other)
    return None


async def _transaction(client: QuickBooksClient, call: Call) -> Outcome | None:
    conditions = []
    if customer := (call.body.get("CustomerRef") or {}).get("value"):
        conditions.append(f"CustomerRef = {quoted(str(customer))}")
    if call.attempted_at is not None:
        since = iso_micros(call.attempted_at - CLOCKS_DIFFER)[:19]
        conditions.append(f"MetaData.CreateTime >= '{since}Z'")
    ours = [
        other
        for other in await client.query(call.object, " AND ".join(conditions) or "TxnDate > '1900-01-01'")
        if is_marked(str(other.get("PrivateNote", "")), call.object_key)
    ]
    if len(ours) > 1:
        return _clash(f"{call.object}s {', '.join(other['Id'] for other in ours)} all carry our reference")
    return stored(ours[0]) if ours else None


def _clash(what: str) -> Outcome:
    return Outcome(error=DuplicateError(f"{what}; settle it in QuickBooks or in the review list", code="6240"))
