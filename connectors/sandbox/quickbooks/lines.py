"""Lines of a sale: prices checked, subtotal and discount computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connectors.sandbox.quickbooks.company import ZERO, Company, Entity, cents, number
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.names import check_length

ITEM, SUBTOTAL, DISCOUNT, TEXT = "SalesItemLineDetail", "SubTotalLineDetail", "DiscountLineDetail", "DescriptionOnly"
US_TAX_CODES = ("TAX", "NON")
MOST_LINES = 10_000
DEFAULT_ITEM = {"value": "1"}
DISCOUNT_ACCOUNT = {"value": "5"}


@dataclass(frozen=True, slots=True)
class Priced:
    """The lines of a sale as stored; `net` is their total before tax, `taxable` the part of it that is taxed."""

    lines: list[Entity]
    net: Decimal
    taxable: Decimal


def priced(company: Company, sent: Any, on: str, *, tax_after_discount: bool) -> Priced:
    """Check and price the lines of a sale of a day.

    Raises 2020 (no line, missing property), 2170, 6070 (Amount is not Qty x UnitPrice), 6100, 6270 (before the item's
    stock was begun), and reference errors.
    """
    lines = [dict(line) for line in sent or [] if line.get("DetailType") != SUBTOTAL]
    if not lines:
        raise missing("Line")
    if len(lines) > MOST_LINES:
        raise QboError("6000", f"A transaction may have at most {MOST_LINES} lines", "Line")
    ids = _Ids(lines)
    stored: list[Entity] = []
    discounts: list[Entity] = []
    subtotal = taxable = ZERO
    for line in lines:
        match _type(line):
            case "DiscountLineDetail":
                discounts.append(line)
                continue
            case "SalesItemLineDetail":
                subtotal += _item_line(company, line, on)
                taxable += line["Amount"] if line[ITEM]["TaxCodeRef"]["value"] == "TAX" else ZERO
        stored.append({**line, "Id": ids.of(line), "LineNum": len(stored) + 1})
    if not stored:
        raise missing("Line")
    if len(discounts) > 1:
        raise QboError("6000", "A transaction may have one discount line", "Line")
    stored.append({"Amount": cents(subtotal), "DetailType": SUBTOTAL, SUBTOTAL: {}})
    total = subtotal
    for line in discounts:
        total -= _discount(company, line, subtotal)
        stored.append({**line, "Id": ids.of(line), "LineNum": len(stored)})
    if tax_after_discount and subtotal:
        taxable = taxable * total / subtotal
    return Priced(stored, total, taxable)


def quantities(lines: Sequence[Entity]) -> dict[str, Decimal]:
    """How many of each item the lines sell."""
    sold: dict[str, Decimal] = {}
    for line in lines:
        detail = line.get(ITEM, {})
        if "ItemRef" in detail and "Qty" in detail:
            id_ = detail["ItemRef"]["value"]
            sold[id_] = sold.get(id_, Decimal(0)) + Decimal(detail["Qty"])
    return sold


class _Ids:
    """Lines keep the ids they are sent with; new ones get the next numbers."""

    def __init__(self, lines: Sequence[Entity]) -> None:
        self._last = max((int(line["Id"]) for line in lines if str(line.get("Id", "")).isdigit()), default=0)

    def of(self, line: Entity) -> str:
        if str(line.get("Id", "")).isdigit():
            return str(line["Id"])
        self._last += 1
        return str(self._last)


def _type(line: Entity) -> str:
    type_ = line.get("DetailType")
    if type_ is None:
        raise missing("Line.DetailType")
    if type_ not in {ITEM, DISCOUNT, TEXT}:
        detail = f"Invalid enumeration value for Line.DetailType. Supplied value:{type_}"
        raise QboError("2170", detail, "Line.DetailType")
    check_length(line, "Description", 4000)
    return str(type_)


def _item_line(company: Company, line: Entity, on: str) -> Decimal:
    detail = dict(line.get(ITEM, {}))
    detail.setdefault("ItemRef", dict(DEFAULT_ITEM))
    item = company.reference(detail, "ItemRef", "Item")
    if item is not None and on < item.get("InvStartDate", ""):
        raise QboError("6270", f"Transaction date {on} is prior to {item['InvStartDate']}", "TxnDate")
    company.reference(detail, "ClassRef", "Class")
    code = str(detail.get("TaxCodeRef", {}).get("value", "NON"))
    if code not in US_TAX_CODES:
        raise QboError("6100", f"Invalid Line TaxCode. Supplied value:{code}", "Line.TaxCodeRef")
    detail["TaxCodeRef"] = {"value": code}
    for name in ("Qty", "UnitPrice"):
        if name in detail:
            detail[name] = number(detail[name], f"Line.{name}")
    if not detail.get("Qty") and not detail.get("UnitPrice"):
        # python-quickbooks sends both as 0 for a line that only has an amount.
        detail.pop("Qty", None)
        detail.pop("UnitPrice", None)
    if "Amount" not in line:
        raise missing("Line.Amount")
    amount = number(line["Amount"], "Line.Amount")
    _check_product(amount, detail)
    line["Amount"] = cents(amount)
    line[ITEM] = detail
    return cents(amount)


def _check_product(amount: Decimal, priced_by: Entity) -> None:
    if "Qty" not in priced_by or "UnitPrice" not in priced_by:
        return
    product = cents(priced_by["Qty"] * priced_by["UnitPrice"])
    if amount != product:
        detail = f"Amount is not equal to UnitPrice * Qty. Supplied value:{amount}"
        raise QboError("6070", f"Amount calculation incorrect in the request. {detail}", "Line.Amount")


def _discount(company: Company, line: Entity, subtotal: Decimal) -> Decimal:
    detail = dict(line.get(DISCOUNT, {}))
    detail.setdefault("DiscountAccountRef", dict(DISCOUNT_ACCOUNT))
    company.reference(detail, "DiscountAccountRef", "Account")
    detail["PercentBased"] = bool(detail.get("PercentBased", False))
    if detail["PercentBased"]:
        percent = number(detail.get("DiscountPercent", 0), "Line.DiscountPercent")
        amount = cents(subtotal * percent / 100)
    else:
        detail.pop("DiscountPercent", None)
        if "Amount" not in line:
            raise missing("Line.Amount")
        amount = cents(number(line["Amount"], "Line.Amount"))
    line[DISCOUNT] = detail
    line["Amount"] = amount
    return amount
