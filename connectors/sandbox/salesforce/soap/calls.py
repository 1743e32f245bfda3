"""What each SOAP call does in an org (SOAP API Developer Guide, "Core Calls")."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, TypeVar

from connectors.sandbox.salesforce import leads, records
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import stamp
from connectors.sandbox.salesforce.merges import merge
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.soap.envelope import Element

T = TypeVar("T")
Results: TypeAlias = list[dict[str, Any]]
# "convertLead()": the most leads of one call.
_MOST_LEADS = 100
_MOST_IDS = 200
_NOT_FIELDS = frozenset({"type", "Id", "fieldsToNull"})
_SWITCHES = ("doNotCreateOpportunity", "overwriteLeadSource")


def convert_leads(unit: Unit, call: Element) -> Results:
    """`convertLead`: a result each."""
    asked = call.all("leadConverts")
    if len(asked) > _MOST_LEADS:
        raise ApiError("EXCEEDED_LEAD_CONVERT_LIMIT", f"at most {_MOST_LEADS} leads can be converted in a call")
    return [_row(unit, lead, _converted, _LEAD) for lead in asked]


def _converted(unit: Unit, lead: Element) -> dict[str, Any]:
    return leads.convert(unit, _options(lead))


def _options(lead: Element) -> dict[str, Any]:
    found = {inner.name: inner.text for inner in lead.inner if inner.text and inner.name in leads.KNOWN}
    return found | {name: found[name] == "true" for name in _SWITCHES if name in found}


def merge_records(unit: Unit, call: Element) -> Results:
    """`merge`: a result for each request."""
    return [_row(unit, request, _merged, _MERGED) for request in call.all("request")]


def _merged(unit: Unit, request: Element) -> dict[str, Any]:
    master = request.find("masterRecord")
    if master is None:
        raise ApiError("MISSING_ARGUMENT", "masterRecord is required")
    name = master.value("type") or master.type
    fields: dict[str, Any] = {found.name: found.text for found in master.inner if found.name not in _NOT_FIELDS}
    fields |= dict.fromkeys(master.texts("fieldsToNull"))
    master_id = records.addressed_id(master.value("Id"))
    others = [records.addressed_id(text) for text in request.texts("recordToMergeIds")]
    merged, related = merge(unit, name, master_id, fields, others)
    return {"errors": [], "id": master_id, "mergedRecordIds": merged, "success": True, "updatedRelatedIds": related}


def by_ids(work: Callable[[Unit, SObject, str], None]) -> Callable[[Unit, Element], Results]:
    """A call that does one thing to each of up to 200 ids."""

    def one(unit: Unit, text: str) -> dict[str, Any]:
        record_id = records.addressed_id(text)
        base = next((found for found in unit.org.schema if found.prefix == record_id[:3]), None)
        if base is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
        with records.as_row():
            work(unit, base, record_id)
        return {"errors": [], "id": record_id, "success": True}

    def carry_out(unit: Unit, call: Element) -> Results:
        ids = call.texts("ids") or call.texts("iD")
        if len(ids) > _MOST_IDS:
            raise ApiError("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MOST_IDS} records")
        return [_row(unit, text, one, {"id": None}) for text in ids]

    return carry_out


def server_timestamp(unit: Unit, _call: Element) -> Results:
    """`getServerTimestamp`."""
    return [{"timestamp": stamp(unit.now).replace("+0000", "Z")}]


def user_info(unit: Unit, _call: Element) -> Results:
    """`getUserInfo`."""
    return [described_user(unit)]


def described_user(unit: Unit) -> dict[str, Any]:
    """Who the session is."""
    user, organization = unit.user, unit.org.organization
    return {
        "organizationId": organization["Id"],
        "organizationName": organization["Name"],
        "userId": user["Id"],
        "userName": user["Username"],
        "userEmail": user["Email"],
        "userFullName": user["Name"],
        "userTimeZone": user["TimeZoneSidKey"],
        "userLocale": user["LocaleSidKey"],
    }


CALLS: Mapping[str, Callable[[Unit, Element], Results]] = {
    "convertLead": convert_leads,
    "merge": merge_records,
    "delete": by_ids(records.delete),
    "undelete": by_ids(records.undelete),
    "emptyRecycleBin": by_ids(records.empty_bin),
    "getServerTimestamp": server_timestamp,
    "getUserInfo": user_info,
}
_LEAD = {"accountId": None, "contactId": None, "leadId": None, "opportunityId": None}
_MERGED: dict[str, Any] = {"id": None, "mergedRecordIds": [], "updatedRelatedIds": []}


def _row(unit: Unit, given: T, work: Callable[[Unit, T], dict[str, Any]], empty: Mapping[str, Any]) -> dict[str, Any]:
    """One result: an error leaves no trace of its row."""
    try:
        with unit.savepoint():
            return work(unit, given)
    except ApiError as error:
        row = {"fields": error.fields, "message": error.message, "statusCode": error.code}
        return {**empty, "errors": [row], "success": False}
