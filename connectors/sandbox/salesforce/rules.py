"""What objects do by themselves: names, stages, prices, roll-ups."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeAlias

from connectors.sandbox.salesforce import prices
from connectors.sandbox.salesforce.changes import Record
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Unit

# before(unit, the record as it was or None, the record to store, the fields given); may change the record.
Before: TypeAlias = Callable[[Unit, Record | None, Record, Record], None]
# after(unit, the record as it was or None, the record as stored); may change other records.
After: TypeAlias = Callable[[Unit, Record | None, Record], None]

# Deleting the object takes these along: child object and its reference.
CASCADES = {
    "Account": (("Contact", "AccountId"), ("Opportunity", "AccountId")),
    "Contact": (("OpportunityContactRole", "ContactId"), ("CampaignMember", "ContactId")),
    "Campaign": (("CampaignMember", "CampaignId"),),
    "Lead": (("CampaignMember", "LeadId"),),
    "Opportunity": (("OpportunityLineItem", "OpportunityId"), ("OpportunityContactRole", "OpportunityId")),
    "Product2": (("PricebookEntry", "Product2Id"),),
}


def _nothing_before(unit: Unit, before: Record | None, record: Record, given: Record) -> None:
    pass


def _nothing_after(unit: Unit, before: Record | None, record: Record) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Rule:
    """An object's behaviour around a write."""

    before: Before = _nothing_before
    after: After = _nothing_after


def full_name(record: Record) -> str | None:
    """A person's Name: first and last name, without salutation."""
    parts = (record.get("FirstName"), record.get("LastName"))
    return " ".join(part for part in parts if part) or None


def _person(_unit: Unit, _before: Record | None, record: Record, _given: Record) -> None:
    record["Name"] = full_name(record)


def _lead(unit: Unit, before: Record | None, record: Record, given: Record) -> None:
    if before is not None and before["IsConverted"]:
        raise ApiError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")
    _person(unit, before, record, given)


def _opportunity(unit: Unit, before: Record | None, record: Record, given: Record) -> None:
    if before is None or "StageName" in given:
        _take_stage(unit, record, given)
    if "CloseDate" in given and record["CloseDate"]:
        closes = date.fromisoformat(record["CloseDate"])
        record["FiscalYear"] = closes.year
        record["FiscalQuarter"] = (closes.month + 2) // 3
    if before is not None and before["HasOpportunityLineItem"]:
        # Object Reference, Opportunity.Amount: with products the attempt is ignored, the call succeeds.
        record["Amount"] = before["Amount"]
        if record["Pricebook2Id"] != before["Pricebook2Id"]:
            message = "cannot change the price book of an opportunity that has line items"
            raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["Pricebook2Id"])


def _take_stage(unit: Unit, record: Record, given: Record) -> None:
    if record["StageName"] is None:
        return
    stage = next(unit.scan("OpportunityStage", ApiName=record["StageName"]), None)
    if stage is None:
        message = f"Stage: bad value for restricted picklist field: {record['StageName']}"
        raise ApiError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, ["StageName"])
    record["IsClosed"], record["IsWon"] = stage["IsClosed"], stage["IsWon"]
    record["ForecastCategory"] = stage["ForecastCategory"]
    if given.get("ForecastCategoryName") is None:
        record["ForecastCategoryName"] = stage["ForecastCategoryName"]
    if given.get("Probability") is None:
        record["Probability"] = stage["DefaultProbability"]


def _one_primary(unit: Unit, _before: Record | None, record: Record) -> None:
    if not record["IsPrimary"] or record["IsDeleted"]:
        return
    others = unit.scan("OpportunityContactRole", OpportunityId=record["OpportunityId"], IsPrimary=True)
    for other in [role for role in others if role["Id"] != record["Id"]]:
        unit.put("OpportunityContactRole", other | {"IsPrimary": False})


RULES = {
    "Contact": Rule(before=_person),
    "Lead": Rule(before=_lead),
    "User": Rule(before=_person),
    "Opportunity": Rule(before=_opportunity),
    "OpportunityLineItem": Rule(before=prices.line_item, after=prices.roll_up),
    "OpportunityContactRole": Rule(after=_one_primary),
    "PricebookEntry": Rule(before=prices.entry),
}
