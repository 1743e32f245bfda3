"""Customer, Vendor and Employee: people and firms under one roof of unique names."""

import re

from connectors.sandbox.quickbooks.company import Company, Entity
from connectors.sandbox.quickbooks.currency import own_currency
from connectors.sandbox.quickbooks.fault import QboError, missing, too_long

NAMESPACE = ("Customer", "Vendor", "Employee")
PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
LENGTHS = {
    "DisplayName": 500,
    "Title": 16,
    "GivenName": 100,
    "MiddleName": 100,
    "FamilyName": 100,
    "Suffix": 16,
    "CompanyName": 100,
    "PrintOnCheckName": 110,
    "Notes": 2000,
    "ResaleNum": 16,
}
ADDRESS_LENGTHS = {
    **dict.fromkeys(("Line1", "Line2", "Line3", "Line4", "Line5"), 500),
    "City": 255,
    "CountrySubDivisionCode": 255,
    "PostalCode": 30,
    "Country": 255,
}
NO_COLON = ("DisplayName", "PrintOnCheckName", *PARTS)
FORBIDDEN = re.compile(r"[:\t\n]")
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
DELETED = " (deleted)"
DEPTH = 5


def complete_name(company: Company, kind: str, entity: Entity, old: Entity | None) -> None:
    """Check a Customer, Vendor or Employee and fill what the server fills."""
    _display_name(entity)
    for name, limit in LENGTHS.items():
        check_length(entity, name, limit)
    for name in NO_COLON:
        if FORBIDDEN.search(str(entity.get(name, ""))):
            raise QboError("2040", "Property Name contains invalid characters: ':', tab or newline", name)
    _contacts(entity)
    own_currency(company, entity, old)
    entity.setdefault("Active", True)
    activate(entity, "DisplayName")
    if entity["Active"]:
        _unique(company, entity)
    entity.setdefault("PrintOnCheckName", entity["DisplayName"])
    if kind == "Customer":
        _customer(company, entity, old)


def check_length(entity: Entity, name: str, limit: int) -> None:
    """Raise 2050 for a text that is too long."""
    text = entity.get(name)
    if isinstance(text, str) and len(text) > limit:
        raise too_long(name, limit, len(text))


def activate(entity: Entity, name: str) -> None:
    """Deactivated objects give their name free (ruckus/quickbooks-ruby, fixtures); activated ones take it again."""
    text = entity[name]
    if entity["Active"] is False and not text.endswith(DELETED):
        entity[name] = f"{text}{DELETED}"
    elif entity["Active"] is not False and text.endswith(DELETED):
        entity[name] = text.removesuffix(DELETED)


def _display_name(entity: Entity) -> None:
    if entity.get("DisplayName"):
        entity["DisplayName"] = str(entity["DisplayName"]).strip()
        return
    parts = [str(entity[part]) for part in PARTS if entity.get(part)]
    if not parts:
        detail = "At least one of DisplayName, Title, GivenName, MiddleName, FamilyName, Suffix must be supplied"
        raise QboError("6080", detail, "DisplayName")
    entity["DisplayName"] = " ".join(parts)


def _contacts(entity: Entity) -> None:
    email = entity.get("PrimaryEmailAddr", {}).get("Address")
    if email is not None:
        if len(email) > 100:  # noqa: PLR2004 - the API reference's figure
            raise too_long("PrimaryEmailAddr", 100, len(email))
        if not all(EMAIL.fullmatch(one.strip()) for one in email.split(",")):
            detail = f"Email Address does not conform to the syntax rules of RFC 822. Supplied value:{email}"
            raise QboError("2210", detail, "PrimaryEmailAddr")
    for name in ("BillAddr", "ShipAddr"):
        for part, limit in ADDRESS_LENGTHS.items():
            check_length(entity.get(name, {}), part, limit)
    phone = entity.get("PrimaryPhone", {}).get("FreeFormNumber", "")
    if len(phone) > 30:  # noqa: PLR2004 - the API reference's figure
        raise too_long("PrimaryPhone", 30, len(phone))
    web = entity.get("WebAddr", {}).get("URI")
    if web is not None and not web.startswith(("http://", "https://")):
        raise QboError("2200", f"Web address must begin with http:// or https://. Supplied value:{web}", "WebAddr")


def _unique(company: Company, entity: Entity) -> None:
    wanted = entity["DisplayName"].casefold()
    for kind in NAMESPACE:
        # SQLite folds ASCII only; other scripts are compared one by one.
        same = company.find(kind, "DisplayName", entity["DisplayName"]) if wanted.isascii() else company.all(kind)
        for other in same:
            if other["DisplayName"].casefold() == wanted and other["Id"] != entity.get("Id"):
                detail = (
                    "The name supplied already exists. : Another customer, vendor or employee is already using this \
name. Please use a different name."
                )
                raise QboError("6240", detail)


def _customer(company: Company, entity: Entity, old: Entity | None) -> None:
    entity.setdefault("Taxable", True)
    entity.setdefault("Job", False)
    entity.setdefault("BillWithParent", False)
    entity.setdefault("PreferredDeliveryMethod", "Print")
    entity.setdefault("DefaultTaxCodeRef", {"value": "2"})
    entity["Balance"] = old["Balance"] if old else 0
    entity["BalanceWithJobs"] = old["BalanceWithJobs"] if old else 0
    company.reference(entity, "SalesTermRef", "Term")
    company.reference(entity, "PaymentMethodRef", "PaymentMethod")
    if entity["Job"] and "ParentRef" not in entity:
        raise missing("ParentRef")
    parent = company.reference(entity, "ParentRef", "Customer")
    entity["FullyQualifiedName"] = entity["DisplayName"]
    if parent is not None:
        entity["Level"] = int(parent.get("Level", 0)) + 1
        if entity["Level"] >= DEPTH:
            raise QboError("6000", f"A customer can be at most {DEPTH} levels deep", "ParentRef")
        entity["FullyQualifiedName"] = f"{parent['FullyQualifiedName']}:{entity['DisplayName']}"
