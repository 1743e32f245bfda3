"""What a person does in QuickBooks' own pages and no API call can: merging two objects of a list.

A stand-in of ours: `POST /app/company/{realm}/merge` with `{"entity", "from", "into"}` and a bearer token.
"""

from typing import Any

from connectors.sandbox.quickbooks.company import Change, Company, Entity
from connectors.sandbox.quickbooks.fault import QboError
from connectors.sandbox.quickbooks.kinds import BY_PATH, KINDS, Kind

MERGED = frozenset({"Customer", "Vendor", "Item", "Account", "Class"})


def merge(company: Company, body: Any) -> tuple[Kind, Entity]:
    """Move what refers to `from` over to `into`; `from` is gone. Return the kind and the object that stays.

    Raises 500 for what cannot be merged, 610 for an unknown id, 6000 for an object with itself.
    """
    kind = BY_PATH.get(str(body.get("entity", "")).lower()) if isinstance(body, dict) else None
    if kind is None or kind.name not in MERGED:
        raise QboError("500", f"Only {', '.join(sorted(MERGED))} can be merged")
    loser = company.require(kind.name, body.get("from"))
    winner = company.require(kind.name, body.get("into"))
    if loser["Id"] == winner["Id"]:
        raise QboError("6000", "An object cannot be merged with itself")
    name = str(winner.get("DisplayName") or winner["Name"])
    for other in KINDS.values():
        for entity in company.all(other.name):
            moved = _moved(entity, f"{kind.name}Ref", loser["Id"], {"value": winner["Id"], "name": name})
            if moved != entity:
                company.replace(other, moved)
    company.erase(kind, loser, Change(kind, winner["Id"], "merged", loser=loser["Id"]))
    kept = company.require(kind.name, winner["Id"])
    company.put_quietly(kind, {**kept, "SyncToken": str(int(kept["SyncToken"]) + 1), "MetaData": company.touched(kept)})
    return kind, company.require(kind.name, winner["Id"])


def _moved(value: Any, name: str, loser: str, ref: Entity) -> Any:
    """The value with references of that name to the loser pointing to the winner."""
    if isinstance(value, list):
        return [_moved(item, name, loser, ref) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: ref
        if key == name and isinstance(item, dict) and item.get("value") == loser
        else _moved(item, name, loser, ref)
        for key, item in value.items()
    }
