"""Lead conversion, with the effects of the SOAP call `convertLead`."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.changes import Record
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Unit

_COPIED = (
    "FirstName",
    "LastName",
    "Salutation",
    "Title",
    "Email",
    "Phone",
    "MobilePhone",
    "Fax",
    "LeadSource",
    "HasOptedOutOfEmail",
    "DoNotCall",
)
KNOWN = frozenset(
    {
        *("account", "leadId", "convertedStatus", "accountId", "contactId", "opportunityId", "opportunityName"),
        *("doNotCreateOpportunity", "overwriteLeadSource", "ownerId", "sendNotificationEmail"),
        *("bypassAccountDedupeCheck", "bypassContactDedupeCheck"),
    }
)
"""What a conversion may be told; notifications and dedupe checks have no effect here, as nothing is sent or checked."""
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
_LAST_MONTH = 12


def convert(unit: Unit, body: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a lead into an account, a contact with a primary role and an opportunity.

    Args:
        unit: The org's changes.
        body: Some of `KNOWN`; `leadId` and `convertedStatus` are required.

    Returns:
        `{leadId, accountId, contactId, opportunityId, success, errors}`.

    Raises:
        ApiError: INVALID_STATUS, CANNOT_UPDATE_CONVERTED_LEAD or any row error.
    """
    base = unit.org.schema.addressed("Lead")
    lead = records.existing(unit, base, records.addressed_id(str(body.get("leadId") or "")))
    if lead["IsConverted"]:
        raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", "lead already converted")
    status = next(unit.scan("LeadStatus", ApiName=body.get("convertedStatus"), IsConverted=True), None)
    if status is None:
        message = f"invalid convertedStatus: {body.get('convertedStatus')}"
        raise ApiError("INVALID_STATUS", message, ["convertedStatus"])
    owner = body.get("ownerId") or lead["OwnerId"]
    account = _given(body, "accountId")
    if account is None:
        account = _make(unit, "Account", _account(lead, owner))
    else:
        _fill(unit, "Account", account, _account(lead, owner))
    contact = _given(body, "contactId")
    if contact is None:
        contact = _make(unit, "Contact", _contact(lead, account, owner))
    else:
        _fill(unit, "Contact", contact, _contact(lead, account, owner), overwrite=_overwritten(body))
    opportunity = _given(body, "opportunityId")
    if opportunity is None and not body.get("doNotCreateOpportunity"):
        opportunity = _make(unit, "Opportunity", _opportunity(unit, lead, account, body.get("opportunityName"), owner))
    lead |= {
        "Status": status["ApiName"],
        "IsConverted": True,
        "ConvertedDate": unit.now.date().isoformat(),
        "ConvertedAccountId": account,
        "ConvertedContactId": contact,
        "ConvertedOpportunityId": opportunity,
        "IsUnreadByOwner": False,
    }
    lead["LastModifiedById"] = unit.user["Id"]
    unit.put("Lead", lead)
    if opportunity is not None:
        role = {"OpportunityId": opportunity, "ContactId": contact, "IsPrimary": True}
        _make(unit, "OpportunityContactRole", role)
    ids = {"accountId": account, "contactId": contact, "opportunityId": opportunity}
    return {"leadId": lead["Id"], **ids, "success": True, "errors": []}


def _given(body: Mapping[str, Any], name: str) -> str | None:
    return records.addressed_id(body[name]) if body.get(name) else None


def _overwritten(body: Mapping[str, Any]) -> frozenset[str]:
    return frozenset({"LeadSource"}) if body.get("overwriteLeadSource") else frozenset()


def _fill(unit: Unit, name: str, record_id: str, values: Record, overwrite: frozenset[str] = frozenset()) -> None:
    """Give an existing record what it lacks; what it has stays."""
    base = unit.org.schema.addressed(name)
    before = records.existing(unit, base, record_id)
    given = {field: value for field, value in values.items() if value is not None}
    changed = {field: value for field, value in given.items() if before[field] is None or field in overwrite}
    if changed:
        records.update(unit, base, record_id, changed)


def _make(unit: Unit, name: str, values: Record) -> str:
    given = {field: value for field, value in values.items() if value is not None}
    return records.create(unit, unit.org.schema.addressed(name), given)


def _account(lead: Record, owner: str) -> Record:
    values = {"Name": lead["Company"], "OwnerId": owner, "AccountSource": lead["LeadSource"]}
    values |= {name: lead[name] for name in ("Phone", "Fax", "Website", "Industry", "Rating")}
    values |= {name: lead[name] for name in ("AnnualRevenue", "NumberOfEmployees")}
    return values | {f"Billing{part}": lead[part] for part in _ADDRESS}


def _contact(lead: Record, account: str, owner: str) -> Record:
    values = {name: lead[name] for name in _COPIED} | {"AccountId": account, "OwnerId": owner}
    return values | {f"Mailing{part}": lead[part] for part in _ADDRESS}


def _opportunity(unit: Unit, lead: Record, account: str, name: str | None, owner: str) -> Record:
    """A new opportunity is in the first open stage and closes with the quarter."""
    stage = next(unit.scan("OpportunityStage", IsClosed=False))
    return {
        "Name": name or f"{lead['Company']}-",
        "AccountId": account,
        "StageName": stage["ApiName"],
        "CloseDate": _quarter_end(unit.now.date()).isoformat(),
        "LeadSource": lead["LeadSource"],
        "OwnerId": owner,
    }


def _quarter_end(day: date) -> date:
    month = (day.month + 2) // 3 * 3
    following = date(day.year + 1, 1, 1) if month == _LAST_MONTH else date(day.year, month + 1, 1)
    return following - timedelta(days=1)
