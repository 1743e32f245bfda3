"""Lead conversion, with the effects of the SOAP call `convertLead`."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Record, Unit

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
_KNOWN = frozenset(
    {
        "account",
        "leadId",
        "convertedStatus",
        "accountId",
        "contactId",
        "opportunityId",
        "opportunityName",
        "doNotCreateOpportunity",
        "ownerId",
    }
)
_ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
_LAST_MONTH = 12


def convert(unit: Unit, body: Mapping[str, Any]) -> dict[str, Any]:
    """Turn a lead into an account, a contact with a primary role and an opportunity.

    Args:
        unit: The org's changes.
        body: `{leadId, convertedStatus, accountId?, contactId?, opportunityId?, opportunityName?,
            doNotCreateOpportunity?, ownerId?}`.

    Returns:
        `{leadId, accountId, contactId, opportunityId, success, errors}`.

    Raises:
        ApiError: INVALID_FIELD, INVALID_STATUS, CANNOT_UPDATE_CONVERTED_LEAD or any row error.
    """
    unknown = sorted(set(body) - _KNOWN)
    if unknown:
        raise ApiError("INVALID_FIELD", f"{unknown[0]}: unknown; known: {', '.join(sorted(_KNOWN))}", unknown)
    base = unit.org.schema.addressed("Lead")
    lead = records.existing(unit, base, records.addressed_id(str(body.get("leadId") or "")))
    if lead["IsConverted"]:
        raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", "lead already converted")
    status = next(unit.scan("LeadStatus", ApiName=body.get("convertedStatus"), IsConverted=True), None)
    if status is None:
        message = f"invalid convertedStatus: {body.get('convertedStatus')}"
        raise ApiError("INVALID_STATUS", message, ["convertedStatus"])
    owner = body.get("ownerId") or lead["OwnerId"]
    account = body.get("accountId") or _make(unit, "Account", _account(lead, owner))
    contact = body.get("contactId") or _make(unit, "Contact", _contact(lead, account, owner))
    opportunity = body.get("opportunityId")
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
