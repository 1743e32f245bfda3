"""The Salesforce connector, run by hand: what changed in Salesforce comes in, what is to become a lead is told.

`POST /sandbox/salesforce-sync {"records": [...], "opportunities": [...]}` with leads and contacts as
`{"type": "Contact" | "Lead", "Id", "Email", "FirstName", "LastName", "Phone", "Company", "AccountId", "OwnerId",
"HasOptedOutOfEmail", "ConvertedContactId", "IsDeleted"}` and opportunities as `{"Id", "Name", "Amount", "StageName",
"Probability", "IsWon", "IsClosed", "ContactIds"}`.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from connectors.sandbox.json_text import Json
from connectors.sandbox.pardot import prospects
from connectors.sandbox.pardot.call import Call
from connectors.sandbox.pardot.catalogue import ACTIVITIES, OPPORTUNITIES, PROSPECTS
from connectors.sandbox.pardot.errors import METHOD, MISSING, PardotError
from connectors.sandbox.pardot.import_rows import linked
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit
from connectors.sandbox.pardot.values import kept, written

_DELETED = "[[crm_deleted]]"
_FIELDS = {"FirstName": "firstName", "LastName": "lastName", "Phone": "phone", "Company": "company"} | {
    "AccountId": "salesforceAccountId",
    "OwnerId": "salesforceOwnerId",
}
# Visitor activity types, and the default scoring model's points.
_NEW, _WON, _LOST, _REOPENED = 8, 9, 10, 18
_POINTS = {_NEW: 50, _LOST: -100}


def answer(unit: Unit, call: Call) -> Response:
    """Sync once; `{"made", "changed", "deleted", "opportunities", "leads": [prospects that became leads]}`."""
    if call.method != "POST":
        raise PardotError(METHOD, "Invalid HTTP request method")
    done = Counter(_sync(unit, record) for record in call.body.get("records", []))
    synced = sum(_opportunity(unit, record) for record in call.body.get("opportunities", []))
    rows = unit.store.table(unit.account, PROSPECTS.name).rows.values()
    leads = [
        {"prospectId": row["id"], "Email": row["email"], "FirstName": row.get("firstName")}
        | {"LastName": row.get("lastName"), "Company": row.get("company")}
        for row in rows
        if row.get("assignedToId") and not row.get("salesforceId") and not row["isDeleted"]
    ]
    counts = {name: done[name] for name in ("made", "changed", "deleted", "passed over")}
    return Json({**counts, "opportunities": synced, "leads": leads})


def _sync(unit: Unit, record: Mapping[str, Any]) -> str:
    """Bring one lead or contact in; tells what it did."""
    if not record.get("Id"):
        raise PardotError(MISSING, "records.Id: this property is required")
    found = linked(unit, record["Id"])
    if found is None and record.get("Email") and not unit.ampsea:
        found = prospects.latest(unit, record["Email"], deleted=False)
        found = found if found is None or not found.get("salesforceId") else None
    if record.get("IsDeleted"):
        return _delete(unit, found)
    if found is not None and found["isDeleted"]:
        return "passed over"
    if found is None:
        if not record.get("Email") or not unit.setting("create_from_salesforce"):
            return "passed over"
        values = {"email": kept("Email", "email", record["Email"]), **_values(unit, record, {})}
        unit.add(PROSPECTS, {"score": 0, **values})
        return "made"
    unit.change(PROSPECTS, found, _values(unit, record, found))
    return "changed"


def _values(unit: Unit, record: Mapping[str, Any], prospect: Record) -> Record:
    """Salesforce wins, but an opt-out stands; a converted lead is its contact from then on."""
    values: Record = {mine: record[theirs] for theirs, mine in _FIELDS.items() if theirs in record}
    contact = record.get("ConvertedContactId") or (record["Id"] if record.get("type") == "Contact" else None)
    own = contact or record["Id"]
    return {
        **values,
        "optedOut": bool(prospect.get("optedOut") or record.get("HasOptedOutOfEmail")),
        "salesforceId": own,
        "salesforceContactId": contact,
        "salesforceLeadId": None if contact else own,
        "salesforceUrl": f"https://sandbox.my.salesforce.com/{own}",
        "salesforceLastSync": written(unit.ctx.clock.now()),
    }


def _delete(unit: Unit, found: Record | None) -> str:
    if found is None or found["isDeleted"]:
        return "passed over"
    flagged = {"salesforceId": _DELETED, "salesforceContactId": None, "salesforceLeadId": None}
    unit.change(PROSPECTS, found, {**flagged, "isDeleted": True})
    return "deleted"


def _opportunity(unit: Unit, record: Mapping[str, Any]) -> bool:
    """Bring an opportunity in, with activities and points for its contacts; without a contact role it stays away."""
    people = [row for row in (linked(unit, each) for each in record.get("ContactIds", [])) if row is not None]
    if not people:
        return False
    former = next(iter(unit.having(OPPORTUNITIES, "salesforceId", record["Id"])), None)
    status = "won" if record.get("IsWon") else "lost" if record.get("IsClosed") else "open"
    values = {
        "name": record.get("Name"),
        "value": kept("Amount", "number", record.get("Amount")),
        "stage": record.get("StageName"),
        "probability": record.get("Probability"),
        "status": status,
        "salesforceId": record["Id"],
        "closedAt": written(unit.ctx.clock.now()) if status != "open" else None,
    }
    stored = unit.change(OPPORTUNITIES, former, values) if former else unit.add(OPPORTUNITIES, values)
    for kind in _steps(former["status"] if former else None, status):
        for person in people:
            _act(unit, person["id"], stored, kind)
    return True


def _steps(before: str | None, now: str) -> list[int]:
    steps = [_NEW] if before is None else []
    if now != (before or "open"):
        steps.append({"won": _WON, "lost": _LOST, "open": _REOPENED}[now])
    return steps


def _act(unit: Unit, prospect_id: int, opportunity: Record, kind: int) -> None:
    activity = {"type": kind, "typeName": "Opportunity", "details": opportunity["name"], "prospectId": prospect_id}
    made = unit.add(ACTIVITIES, {**activity, "opportunityId": opportunity["id"]})
    prospect = unit.current(PROSPECTS, prospect_id)
    score = (prospect.get("score") or 0) + _POINTS.get(kind, 0)
    unit.change(PROSPECTS, prospect, {"score": score, "lastActivityAt": made["createdAt"]})
