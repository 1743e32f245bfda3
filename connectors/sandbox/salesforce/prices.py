"""Price books and line items: which price applies, what a line costs, what an opportunity amounts to."""

from decimal import ROUND_HALF_UP, Decimal

from connectors.sandbox.salesforce.changes import Record
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Unit

_CENT = Decimal("0.01")


def entry(unit: Unit, before: Record | None, record: Record, _given: Record) -> None:
    """Complete a price book entry.

    Raises:
        ApiError: STANDARD_PRICE_NOT_DEFINED, or DUPLICATE_VALUE for a second price in the same book.
    """
    product = unit.get("Product2", record["Product2Id"] or "")
    book = unit.get("Pricebook2", record["Pricebook2Id"] or "")
    if product is None or book is None:
        return
    record["Name"], record["ProductCode"] = product["Name"], product["ProductCode"]
    if before is not None:
        return
    prices = list(unit.scan("PricebookEntry", Product2Id=product["Id"]))
    if any(price["Pricebook2Id"] == book["Id"] for price in prices):
        raise ApiError("DUPLICATE_VALUE", "This price definition already exists in this price book", ["Pricebook2Id"])
    books = (unit.get("Pricebook2", price["Pricebook2Id"]) for price in prices)
    if not book["IsStandard"] and not any(found and found["IsStandard"] for found in books):
        message = "Before creating a custom price, create a standard price."
        raise ApiError("STANDARD_PRICE_NOT_DEFINED", message, ["Pricebook2Id"])


def line_item(unit: Unit, before: Record | None, record: Record, given: Record) -> None:
    """Find a line's price book entry and compute its prices.

    Raises:
        ApiError: REQUIRED_FIELD_MISSING or FIELD_INTEGRITY_EXCEPTION.
    """
    opportunity = unit.get("Opportunity", record["OpportunityId"] or "")
    if opportunity is None or record["Quantity"] is None:
        return
    if before is None:
        price = _entry_of(unit, opportunity, record)
        record["PricebookEntryId"], record["Product2Id"] = price["Id"], price["Product2Id"]
        record["ProductCode"], record["ListPrice"] = price["ProductCode"], price["UnitPrice"]
        record["Name"] = f"{opportunity['Name']} {price['Name']}"
    _price(record, given)


def _entry_of(unit: Unit, opportunity: Record, record: Record) -> Record:
    book = opportunity["Pricebook2Id"]
    if record["PricebookEntryId"] is not None:
        price = unit.get("PricebookEntry", record["PricebookEntryId"])
    elif record["Product2Id"] is not None and book is not None:
        price = next(unit.scan("PricebookEntry", Product2Id=record["Product2Id"], Pricebook2Id=book), None)
    else:
        message = "Required fields are missing: [PricebookEntryId]"
        raise ApiError("REQUIRED_FIELD_MISSING", message, ["PricebookEntryId"])
    if price is None or not price["IsActive"]:
        message = "field integrity exception: PricebookEntryId (pricebook entry has been inactivated or is missing)"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["PricebookEntryId"])
    if book is not None and price["Pricebook2Id"] != book:
        message = (
            "field integrity exception: PricebookEntryId (pricebook entry is in a different pricebook than the one "
            "assigned to the opportunity)"
        )
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["PricebookEntryId"])
    return price


def _price(record: Record, given: Record) -> None:
    if given.get("UnitPrice") is not None and given.get("TotalPrice") is not None:
        message = "UnitPrice and TotalPrice cannot both be given"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["UnitPrice", "TotalPrice"])
    if not record["Quantity"]:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", "Quantity must not be zero", ["Quantity"])
    if given.get("TotalPrice") is not None:
        record["UnitPrice"] = (record["TotalPrice"] / record["Quantity"]).quantize(_CENT, ROUND_HALF_UP)
        return
    if record["UnitPrice"] is None:
        message = "Required fields are missing: [UnitPrice]"
        raise ApiError("REQUIRED_FIELD_MISSING", message, ["UnitPrice"])
    record["TotalPrice"] = (record["UnitPrice"] * record["Quantity"]).quantize(_CENT, ROUND_HALF_UP)


def roll_up(unit: Unit, _before: Record | None, record: Record) -> None:
    """Make the opportunity's amount the sum of its lines, which moves its stamps too."""
    opportunity = unit.get("Opportunity", record["OpportunityId"])
    if opportunity is None or opportunity["IsDeleted"]:
        return
    lines = list(unit.scan("OpportunityLineItem", OpportunityId=opportunity["Id"]))
    if lines:
        opportunity["Amount"] = sum((line["TotalPrice"] for line in lines), Decimal(0))
    if opportunity["Pricebook2Id"] is None:
        price = unit.get("PricebookEntry", record["PricebookEntryId"])
        opportunity["Pricebook2Id"] = price["Pricebook2Id"] if price else None
    opportunity["HasOpportunityLineItem"] = bool(lines)
    unit.put("Opportunity", opportunity)
