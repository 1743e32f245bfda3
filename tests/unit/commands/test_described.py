"""Custom fields compared with what vendors describe."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from connectors.errors import RejectedError
from connectors.kafka.records import Connection, CustomField, VendorConnection
from connectors.ports import Describer, FieldInfo
from streams.commands.described import asking, misfits, wrong_fields

ACCOUNT, PROSPECT, INVOICE = "salesforce/Account", "pardot/Prospect", "quickbooks/Invoice"
TIERS = ("Gold", "Tin")


@dataclass(frozen=True, slots=True)
class Described:
    """A vendor with one object."""

    objects: Sequence[str]
    infos: Sequence[FieldInfo]
    hidden: frozenset[str] = frozenset()

    def describes(self, name: str) -> bool:
        """Tell whether the vendor would tell of it."""
        return name not in self.hidden

    async def fields(self, object_type: str) -> Sequence[FieldInfo]:
        """Return the fields."""
        if object_type not in self.objects:
            raise RejectedError(f"{object_type} has none")
        return self.infos


VENDORS: Mapping[str, Describer] = {
    "salesforce": Described(
        ["Account"],
        [
            FieldInfo("Tier__c", "Tier", "picklist", values=TIERS, restricted=True),
            FieldInfo("Code__c", "Code", "string", 255),
            FieldInfo("Seats__c", "Seats", "number"),
            FieldInfo("Sum__c", "Sum", "number", writable=False),
            FieldInfo("Region__c", "Region", "picklist", values=("North", "Gold"), restricted=True),
            FieldInfo("Industry", "Industry", "picklist", custom=False),
        ],
    ),
    "pardot": Described(["Prospect"], [FieldInfo("Tier__c", "Tier", "string"), FieldInfo("Seats__c", "S", "number")]),
    "quickbooks": Described(["Invoice"], [FieldInfo("2", "Code", "string", 31)], frozenset({"57820000001"})),
}


def connection(**fields: CustomField) -> Connection:
    """Return a tenant with these custom fields."""
    vendors = {name: VendorConnection("https://x.example", "1") for name in VENDORS}
    return Connection("acme", 1, vendors, "UTC", "USD", custom_fields=fields)


@asynccontextmanager
async def opened(vendor: str) -> AsyncIterator[Describer]:
    """Open a vendor."""
    yield VENDORS[vendor]


@pytest.mark.parametrize(
    "field",
    [
        CustomField("string", {ACCOUNT: "Tier__c"}, {PROSPECT: "Tier__c"}),
        CustomField("string", {ACCOUNT: "Industry"}, {PROSPECT: "Tier__c"}),
        CustomField("number", {ACCOUNT: "Seats__c"}, {PROSPECT: "Seats__c", INVOICE: "2"}),
        CustomField("string", {ACCOUNT: "Code__c"}, {INVOICE: "2"}, cut=31),
        CustomField("string", {ACCOUNT: "Code__c"}, {INVOICE: "57820000001"}),
        CustomField("string", {PROSPECT: "Tier__c"}, {ACCOUNT: "Tier__c"}),
    ],
)
async def test_what_fits_is_not_told_of(field: CustomField) -> None:
    """Nor is a field that the vendor does not describe."""
    assert [problem async for problem in misfits(connection(X=field), opened)] == []


@pytest.mark.parametrize(
    ("field", "path", "reason"),
    [
        (CustomField("string", {ACCOUNT: "Teir__c"}), ("read", ACCOUNT), "has no field Teir__c"),
        (CustomField("string", {"salesforce/Lead": "Tier__c"}), ("read", "salesforce/Lead"), "Lead has none"),
        (CustomField("string", {"shopify/Order": "x"}), ("read", "shopify/Order"), "shopify is not connected"),
        (CustomField("date", {ACCOUNT: "Seats__c"}), ("read", ACCOUNT), "a number; that is not read as date"),
        (CustomField("string", {ACCOUNT: "Tier__c"}, {PROSPECT: "Seats__c"}), ("write", PROSPECT), "a number; string"),
        (CustomField("string", {ACCOUNT: "Code__c"}, {INVOICE: "2"}), ("write", INVOICE), "takes 31 characters"),
        (CustomField("string", {ACCOUNT: "Code__c"}, {INVOICE: "2"}, cut=40), ("write", INVOICE), "set cut: 31"),
        (CustomField("number", {PROSPECT: "Seats__c"}, {ACCOUNT: "Sum__c"}), ("write", ACCOUNT), "may not write"),
        (CustomField("string", {ACCOUNT: "Tier__c"}, {ACCOUNT: "Region__c"}), ("write", ACCOUNT), "a list without Tin"),
        (CustomField("string", {PROSPECT: "Tier__c"}, {INVOICE: "3"}), ("write", INVOICE), "has no field 3"),
    ],
)
async def test_what_does_not_fit_is_named(field: CustomField, path: tuple[str, str], reason: str) -> None:
    """Unknown field, wrong type, too long, not writable, value that a list lacks."""
    ((where, said),) = [problem async for problem in misfits(connection(X=field), opened)]
    assert where == ("X", *path)
    assert reason in said


def test_sources_are_told_to_ask_for_the_fields() -> None:
    """Beside those that the connection's settings name already, each once."""
    fields = {
        "A": CustomField("string", {ACCOUNT: "Tier__c", PROSPECT: "Tier__c"}),
        "B": CustomField("string", {ACCOUNT: "Code__c"}),
    }
    settings = {"fields.Account": "Own__c, Code__c", "changes": "poll"}
    assert asking("salesforce", settings, fields) == {"fields.Account": "Own__c,Code__c,Tier__c", "changes": "poll"}
    assert asking("pardot", {}, fields) == {"fields.Prospect": "Tier__c"}


def test_fields_that_no_template_knows_are_found_before_any_vendor_is_asked() -> None:
    """By path, for the line in the file."""
    ((path, reason),) = wrong_fields(connection(X=CustomField("string", {"salesforce/Acount": "Tier__c"})))
    assert path == "X.read.salesforce/Acount"
    assert "no template reads it" in reason
