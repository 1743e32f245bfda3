"""Item, Account, Class, Term and the other plain lists."""

from connectors.sandbox.quickbooks.company import Company, Entity, day, number
from connectors.sandbox.quickbooks.currency import own_currency
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.names import FORBIDDEN, activate, check_length

NAME_LENGTHS = {"Term": 31, "PaymentMethod": 15}
SOLD = ("Service", "NonInventory")
ITEM_TYPES = (*SOLD, "Inventory", "Category", "Group")
CLASSIFICATION = {
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Expense": "Expense",
    "Other Expense": "Expense",
    "Cost of Goods Sold": "Expense",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
}


def complete_list(company: Company, kind: str, entity: Entity, _old: Entity | None) -> None:
    """Check a named list object: name present, unique among the active ones, of legal length."""
    name = entity.get("Name")
    if not name:
        raise missing("Name")
    entity["Name"] = str(name)
    check_length(entity, "Name", NAME_LENGTHS.get(kind, 100))
    if FORBIDDEN.search(str(name)):
        raise QboError("2040", "Property Name contains invalid characters: ':', tab or newline", "Name")
    entity.setdefault("Active", True)
    activate(entity, "Name")
    parent = company.reference(entity, "ParentRef", kind)
    if "FullyQualifiedName" in entity or kind not in {"Term", "PaymentMethod"}:
        prefix = f"{parent['FullyQualifiedName']}:" if parent else ""
        entity["FullyQualifiedName"] = f"{prefix}{entity['Name']}"
    _unique(company, kind, entity)


def complete_account(company: Company, kind: str, entity: Entity, old: Entity | None) -> None:
    """Check an account; the server derives the classification."""
    complete_list(company, kind, entity, old)
    if not entity.get("AccountType") and not entity.get("AccountSubType"):
        raise missing("AccountType")
    own_currency(company, entity, old)
    entity.setdefault("Classification", CLASSIFICATION.get(entity.get("AccountType", ""), "Asset"))
    entity.setdefault("CurrentBalance", 0)
    entity.setdefault("SubAccount", "ParentRef" in entity)


def complete_term(company: Company, kind: str, entity: Entity, old: Entity | None) -> None:
    """Check a term: either so many days, or a day of the month."""
    complete_list(company, kind, entity, old)
    if "DueDays" not in entity and "DayOfMonthDue" not in entity:
        raise missing("DueDays")
    entity["Type"] = "STANDARD" if "DueDays" in entity else "DATE_DRIVEN"


def complete_currency(company: Company, _kind: str, entity: Entity, old: Entity | None) -> None:
    """Check a currency the company deals in. Raises 2020 and 6000."""
    code = str(entity.get("Code", "")).upper()
    if not code:
        raise missing("Code")
    if old is None and company.find("CompanyCurrency", "Code", code):
        raise QboError("6000", f"The currency {code} is in the list already", "Code")
    entity["Code"] = code
    entity.setdefault("Name", code)
    entity.setdefault("Active", True)


def complete_item(company: Company, kind: str, entity: Entity, old: Entity | None) -> None:
    """Check an item; what is required depends on its type."""
    entity.setdefault("Type", "Service")
    if entity["Type"] not in ITEM_TYPES:
        raise QboError("2170", f"Invalid enumeration value for Item.Type. Supplied value:{entity['Type']}", "Type")
    complete_list(company, kind, entity, old)
    for name, limit in (("Sku", 100), ("Description", 4000), ("PurchaseDesc", 1000)):
        check_length(entity, name, limit)
    for name in ("UnitPrice", "PurchaseCost"):
        if name in entity:
            entity[name] = number(entity[name], name)
    accounts = {
        name: company.reference(entity, name, "Account")
        for name in ("IncomeAccountRef", "ExpenseAccountRef", "AssetAccountRef")
    }
    if entity["Type"] in SOLD and not (accounts["IncomeAccountRef"] or accounts["ExpenseAccountRef"]):
        raise missing("IncomeAccountRef")
    entity["TrackQtyOnHand"] = bool(entity.get("TrackQtyOnHand", False))
    if entity["Type"] == "Inventory":
        _inventory(entity, accounts, old)
    elif old is not None and old.get("TrackQtyOnHand"):
        raise QboError("6000", "TrackQtyOnHand cannot be switched off", "TrackQtyOnHand")
    else:
        for name in ("QtyOnHand", "InvStartDate"):
            entity.pop(name, None)
    entity.setdefault("UnitPrice", 0)
    entity.setdefault("PurchaseCost", 0)
    entity.setdefault("Taxable", False)


def _inventory(entity: Entity, accounts: dict[str, Entity | None], old: Entity | None) -> None:
    if not entity["TrackQtyOnHand"]:
        raise missing("TrackQtyOnHand")
    for name in ("QtyOnHand", "InvStartDate", *accounts):
        if name not in entity:
            raise missing(name)
    entity["QtyOnHand"] = number(entity["QtyOnHand"], "QtyOnHand")
    # A date sent with an update dates the adjustment; the item keeps its own.
    entity["InvStartDate"] = (old or {}).get("InvStartDate") or day(entity["InvStartDate"], "InvStartDate").isoformat()
    income = accounts["IncomeAccountRef"]
    if income is not None and income.get("AccountSubType") != "SalesOfProductIncome":
        raise QboError(
            "6000", "The income account of an inventory item must be SalesOfProductIncome", "IncomeAccountRef"
        )


def _unique(company: Company, kind: str, entity: Entity) -> None:
    wanted = entity["Name"].casefold()
    place = str(entity.get("FullyQualifiedName")).casefold()
    same = company.find(kind, "Name", entity["Name"]) if wanted.isascii() else company.all(kind)
    for other in same:
        if (
            other["Name"].casefold() == wanted
            and other["Id"] != entity.get("Id")
            and str(other.get("FullyQualifiedName")).casefold() == place
        ):
            raise QboError("6240", f"The name supplied already exists. : {kind} Id={other['Id']}")
