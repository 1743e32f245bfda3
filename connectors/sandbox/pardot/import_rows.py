"""One row of an import: which prospect it means, what it changes, and the lists it joins and leaves."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.sandbox.pardot import prospects, writes
from connectors.sandbox.pardot.catalogue import MEMBERSHIPS, PROSPECTS
from connectors.sandbox.pardot.errors import ARCHIVED, BAD_PROSPECT, BAD_RANGE, PardotError
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit
from connectors.sandbox.pardot.values import told

MATCHES = ("matchId", "matchEmail", "matchSalesforceId")
COLUMNS = (*MATCHES, "addToList", "removeFromList")
_LINKS = ("salesforceContactId", "salesforceLeadId", "salesforceId")
_MOST_LISTS = 20


def apply(unit: Unit, job: Mapping[str, Any], row: Mapping[str, str]) -> bool:
    """Carry out a row; tell whether it made a prospect.

    Raises:
        PardotError: the row is wrong; nothing of it was done.
    """
    matches = {name: row[name].strip() for name in MATCHES if row.get(name, "").strip()}
    if len(matches) > 1:
        raise PardotError(BAD_RANGE, "only one match column may be filled in a row")
    lists = [_lists(unit, row.get(name, "")) for name in ("addToList", "removeFromList")]
    found = _match(unit, matches)
    if found is None and matches and not job["createOnNoMatch"]:
        raise PardotError(BAD_PROSPECT, "no prospect matches")
    if found is not None and found["isDeleted"] and not job["restoreDeleted"]:
        raise PardotError(ARCHIVED, "the prospect is in the recycle bin")
    values = _values(unit, job, row, updating=found is not None)
    if found is None:
        made = prospects.create(unit, {**_address(matches), **values})
        _move(unit, made, *lists)
        return True
    if values or found["isDeleted"]:
        prospects.update(unit, found, values)
    _move(unit, found, *lists)
    return False


def _match(unit: Unit, matches: Mapping[str, str]) -> Record | None:
    for name, value in matches.items():
        if name == "matchId":
            return unit.now(PROSPECTS, int(value)) if value.isdigit() else None
        if name == "matchEmail":
            return prospects.latest(unit, value, deleted=False) or prospects.latest(unit, value, deleted=True)
        return linked(unit, value)
    return None


def linked(unit: Unit, salesforce_id: str) -> Record | None:
    """The prospect of a lead's or contact's id, one that is not in the bin first."""
    found = [row for name in _LINKS for row in unit.having(PROSPECTS, name, salesforce_id)]
    return min(found, key=lambda row: (row["isDeleted"], row["id"]), default=None)


def _address(matches: Mapping[str, str]) -> dict[str, str]:
    return {"email": matches["matchEmail"]} if "matchEmail" in matches else {}


def _values(unit: Unit, job: Mapping[str, Any], row: Mapping[str, str], *, updating: bool) -> dict[str, Any]:
    kinds, values = unit.kinds(PROSPECTS), {}
    for name, text in row.items():
        if name in COLUMNS:
            continue
        option = job["options"].get(name, {})
        kept_back = option.get("overwrite") is False or (not text.strip() and option.get("nullOverwrite") is False)
        if not (updating and kept_back):
            values[name] = told(kinds[name], text)
    unit.values(PROSPECTS, values, creating=False)
    return values


def _lists(unit: Unit, text: str) -> list[int]:
    parts = [part for part in re.split(r"[;,\s]+", text) if part]
    if len(parts) > _MOST_LISTS:
        raise PardotError(BAD_RANGE, f"at most {_MOST_LISTS} lists in a row")
    for part in parts:
        writes.check_static(unit, part)
    return [int(part) for part in parts]


def _move(unit: Unit, prospect: Record, joined: list[int], left: list[int]) -> None:
    for list_id in joined:
        if writes.membership(unit, list_id, prospect["id"]) is None:
            unit.add(MEMBERSHIPS, {"listId": list_id, "prospectId": prospect["id"]})
    for list_id in left:
        found = writes.membership(unit, list_id, prospect["id"])
        if found is not None:
            unit.change(MEMBERSHIPS, found, {"isDeleted": True})
