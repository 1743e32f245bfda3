"""Which fields of which objects are read: standard fields that every edition has, and the account's own."""

from collections.abc import Mapping, Sequence

from connectors import accounts
from connectors.ports import Account
from connectors.wire import iso_micros, parse_instant

SYSTEM = ("Id", "IsDeleted", "CreatedDate", "LastModifiedDate", "SystemModstamp")
ADDRESS = ("Street", "City", "State", "PostalCode", "Country")
FIELDS: Mapping[str, tuple[str, ...]] = {
    "Account": (
        *(
            "Name",
            "Type",
            "Industry",
            "AccountNumber",
            "ParentId",
            "OwnerId",
            "Phone",
            "Fax",
            "Website",
            "AccountSource",
        ),
        *(f"Billing{part}" for part in ADDRESS),
        *(f"Shipping{part}" for part in ADDRESS),
    ),
    "Contact": (
        *("Salutation", "FirstName", "LastName", "Name", "Title", "AccountId", "OwnerId", "LeadSource"),
        *("Email", "Phone", "MobilePhone", "HasOptedOutOfEmail"),
        *(f"Mailing{part}" for part in ADDRESS),
    ),
    "Lead": (
        *("Salutation", "FirstName", "LastName", "Name", "Title", "Company", "Status", "LeadSource", "OwnerId"),
        *("Email", "Phone", "MobilePhone", "Website", "Industry", "Rating", "HasOptedOutOfEmail", *ADDRESS),
        *("IsConverted", "ConvertedDate", "ConvertedAccountId", "ConvertedContactId", "ConvertedOpportunityId"),
    ),
    "Opportunity": (
        *("Name", "AccountId", "StageName", "IsClosed", "IsWon", "CloseDate", "Amount", "Probability", "Type"),
        *("LeadSource", "NextStep", "Description", "CampaignId", "OwnerId", "HasOpportunityLineItem", "Pricebook2Id"),
    ),
    "OpportunityLineItem": (
        *("OpportunityId", "SortOrder", "PricebookEntryId", "Product2Id", "ProductCode", "Name", "Quantity"),
        *("UnitPrice", "TotalPrice", "ListPrice", "ServiceDate", "Description"),
        *("PricebookEntry.Id", "PricebookEntry.Pricebook2Id", "PricebookEntry.UnitPrice"),
        *("Product2.Id", "Product2.Name", "Product2.ProductCode", "Product2.StockKeepingUnit", "Product2.Family"),
        *("Product2.Description", "Product2.IsActive", "Product2.SystemModstamp"),
    ),
    "Product2": ("Name", "ProductCode", "StockKeepingUnit", "Family", "Description", "IsActive"),
    "OpportunityContactRole": ("OpportunityId", "ContactId", "Role", "IsPrimary"),
}
POLLED = "Product2,Account,Contact,Lead,Opportunity"
HINTS: Mapping[str, tuple[str, str]] = {
    "OpportunityLineItem": ("Opportunity", "OpportunityId"),
    "OpportunityContactRole": ("Opportunity", "OpportunityId"),
}
"""Parts of another object: a change of one is a hint at the object that the reference names."""
MERGED: Mapping[str, str] = dict.fromkeys(("Account", "Contact", "Lead"), "MasterRecordId")
"""Which field of a deleted record names the one that it was merged into."""


def fields_of(account: Account, object_type: str) -> tuple[str, ...]:
    """Return the fields to read of an object: system, standard, then setting `fields.<Object>`, none twice."""
    extra = accounts.names(account, f"fields.{object_type}")
    return tuple(dict.fromkeys((*SYSTEM, *FIELDS.get(object_type, ()), *extra)))


def version_of(stamp: str) -> str:
    """Return a SystemModstamp as `2026-01-31T12:00:00.000000Z`: text order is version order."""
    return iso_micros(parse_instant(stamp))


def quoted(values: Sequence[str]) -> str:
    """Write ids as the list of an `IN`, escaped."""
    return "(" + ",".join("'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'" for value in values) + ")"
