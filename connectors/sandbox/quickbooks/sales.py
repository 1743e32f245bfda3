"""Invoice, SalesReceipt, CreditMemo, RefundReceipt and Estimate: totals, numbers, due dates, balances."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import Decimal

from connectors.sandbox.quickbooks.company import (
    ZERO,
    Company,
    Entity,
    cents,
    day,
    number,
)
from connectors.sandbox.quickbooks.currency import at_home, deal_currency
from connectors.sandbox.quickbooks.fault import QboError, too_long
from connectors.sandbox.quickbooks.kinds import KINDS
from connectors.sandbox.quickbooks.lines import priced, quantities
from connectors.sandbox.quickbooks.names import EMAIL, check_length
from connectors.sandbox.quickbooks.payments import applied, settle
from connectors.sandbox.quickbooks.taxes import taxed

DEFAULT_DUE_DAYS = 30
UNDEPOSITED_FUNDS = {"value": "4"}
FIRST_DOC_NUMBER = 1001
ENUMS = {
    "EmailStatus": ("NotSet", "NeedToSend", "EmailSent"),
    "PrintStatus": ("NotSet", "NeedToPrint", "PrintComplete"),
    "GlobalTaxCalculation": ("TaxExcluded", "TaxInclusive", "NotApplicable"),
}
ESTIMATE_STATUSES = ("Pending", "Accepted", "Closed", "Rejected", "Converted")
STOCK = {"Invoice": -1, "SalesReceipt": -1, "CreditMemo": 1, "RefundReceipt": 1, "Estimate": 0}
"""Which way a sale moves the quantities on hand."""
CUSTOM_FIELDS = {"1": "Order", "2": "Source", "3": "Reference"}
CUSTOM_LENGTH = 31


def complete_sale(company: Company, kind: str, sale: Entity, sent: Entity, old: Entity | None) -> None:
    """Check a sale and compute what the server computes. `sent` is the request's own part of it."""
    customer = company.reference(sale, "CustomerRef", "Customer", required=kind != "SalesReceipt")
    _texts(sale)
    for name, target in (("ClassRef", "Class"), ("DepartmentRef", "Department"), ("PaymentMethodRef", "PaymentMethod")):
        company.reference(sale, name, target)
    sale["TxnDate"] = day(sale.get("TxnDate", company.today()), "TxnDate").isoformat()
    deal_currency(company, sale, customer)
    after_discount = bool(sale.setdefault("ApplyTaxAfterDiscount", False))
    found = priced(company, sale.get("Line"), sale["TxnDate"], tax_after_discount=after_discount)
    sale["Line"] = found.lines
    sale["TxnTaxDetail"] = taxed(company, sale.get("TxnTaxDetail", {}), found.taxable, fresh="TxnTaxDetail" in sent)
    sale["TotalAmt"] = cents(found.net + sale["TxnTaxDetail"]["TotalTax"])
    if sale["TotalAmt"] < 0:
        raise QboError("6000", "Transaction amount must be 0 or greater", "TotalAmt")
    _custom_fields(sale)
    _addresses(sale, customer)
    sale.setdefault("PrintStatus", "NeedToPrint")
    sale.setdefault("EmailStatus", "NotSet")
    sale["LinkedTxn"] = old["LinkedTxn"] if old else _estimates(company, kind, sent)
    if old and old["LinkedTxn"] and old["CustomerRef"]["value"] != sale["CustomerRef"]["value"]:
        raise QboError("6000", "The customer of a transaction with payments cannot be changed", "CustomerRef")
    COMPLETE[kind](company, sale, sent)
    at_home(company, sale)


def number_sale(company: Company, kind: str, sale: Entity, *, allow_duplicate: bool) -> None:
    """Give a new sale its DocNumber, or check the one it came with (6140)."""
    check_length(sale, "DocNumber", 21)
    if not company.settings["custom_txn_numbers"]:
        if not sale.get("DocNumber"):
            counter = "estimate number" if kind == "Estimate" else "doc number"
            sale["DocNumber"] = str(company.ctx.database.next(company.account, counter, FIRST_DOC_NUMBER))
        return
    if sale.get("DocNumber") and company.settings["warn_duplicate_doc_number"] and not allow_duplicate:
        for other in company.find(kind, "DocNumber", sale["DocNumber"]):
            if other["Id"] != sale.get("Id"):
                detail = (
                    "Duplicate Document Number Error : You must specify a different number. This number has already "
                    f"been used. DocNumber={sale['DocNumber']} is assigned to TxnType={kind} with TxnId={other['Id']}"
                )
                raise QboError("6140", detail, "DocNumber")


def after_sale(company: Company, kind: str, old: Entity | None, new: Entity | None) -> None:
    """Move stock and the estimate it came from once a sale is stored, changed or gone."""
    before = quantities(old["Line"]) if old else {}
    after = quantities(new["Line"]) if new else {}
    for id_ in {**before, **after}:
        moved = STOCK[kind] * (after.get(id_, Decimal(0)) - before.get(id_, Decimal(0)))
        item = company.get("Item", id_)
        if moved and item is not None and item.get("TrackQtyOnHand"):
            company.put_quietly(KINDS["Item"], {**item, "QtyOnHand": Decimal(item["QtyOnHand"]) + moved})
    if old is None and new is not None:
        for link in new["LinkedTxn"]:
            _close_estimate(company, link["TxnId"], {"TxnId": new["Id"], "TxnType": kind})


def void_sale(company: Company, kind: str, sale: Entity) -> Entity:
    """Zero a sale and loosen its payments."""
    voided = dict(sale)
    voided["Line"] = [_zeroed(line) for line in sale["Line"]]
    for name in ("TotalAmt", "Balance", "RemainingCredit"):
        if name in sale:
            voided[name] = ZERO
    at_home(company, voided)
    voided["TxnTaxDetail"] = {"TotalTax": ZERO}
    voided["LinkedTxn"] = []
    voided["PrivateNote"] = voided_note(sale)
    for link in sale["LinkedTxn"]:
        if link["TxnType"] != "Payment":
            continue
        payment = company.require("Payment", link["TxnId"])
        kept = [line for line in payment["Line"] if line["LinkedTxn"][0] != {"TxnId": sale["Id"], "TxnType": kind}]
        company.replace(KINDS["Payment"], settle(payment, kept))
    stored = company.replace(KINDS[kind], voided, "voided")
    after_sale(company, kind, sale, stored)
    return stored


def voided_note(transaction: Entity) -> str:
    """PrivateNote with Intuit's mark in front."""
    return f"Voided - {transaction['PrivateNote']}" if transaction.get("PrivateNote") else "Voided"


def _zeroed(line: Entity) -> Entity:
    zeroed = {**line, "Amount": ZERO} if "Amount" in line else dict(line)
    if "SalesItemLineDetail" in line:
        zeroed["SalesItemLineDetail"] = {**line["SalesItemLineDetail"], "Qty": 0}
    return zeroed


def _invoice(company: Company, sale: Entity, sent: Entity) -> None:
    term = company.reference(sale, "SalesTermRef", "Term")
    begin = day(sale["TxnDate"], "TxnDate")
    if "DueDate" in sent:
        sale["DueDate"] = day(sent["DueDate"], "DueDate").isoformat()
    elif "DueDate" not in sale or {"SalesTermRef", "TxnDate"} & sent.keys():
        sale["DueDate"] = _due(begin, term).isoformat()
    deposit = cents(number(sale.get("Deposit", 0), "Deposit"))
    paid = applied(company, "Invoice", sale)
    sale["Balance"] = cents(sale["TotalAmt"] - deposit - paid)
    if sale["Balance"] < 0:
        raise QboError("6000", "The payments applied are larger than the new total of the invoice", "TotalAmt")
    sale.setdefault("AllowOnlinePayment", False)


def _receipt(company: Company, sale: Entity, _sent: Entity) -> None:
    sale.setdefault("DepositToAccountRef", dict(UNDEPOSITED_FUNDS))
    company.reference(sale, "DepositToAccountRef", "Account")
    check_length(sale, "PaymentRefNum", 21)
    sale["Balance"] = ZERO


def _memo(company: Company, sale: Entity, _sent: Entity) -> None:
    sale["RemainingCredit"] = cents(sale["TotalAmt"] - applied(company, "CreditMemo", sale))
    sale["Balance"] = sale["RemainingCredit"]


def _estimate(_company: Company, sale: Entity, _sent: Entity) -> None:
    sale.setdefault("TxnStatus", "Pending")
    if sale["TxnStatus"] not in ESTIMATE_STATUSES:
        detail = f"Invalid enumeration value for TxnStatus. Supplied value:{sale['TxnStatus']}"
        raise QboError("2170", detail, "TxnStatus")
    for name in ("ExpirationDate", "AcceptedDate"):
        if name in sale:
            sale[name] = day(sale[name], name).isoformat()


def _estimates(company: Company, kind: str, sent: Entity) -> list[Entity]:
    """The estimates a new invoice says it comes from; other links are made by payments and deposits."""
    links = sent.get("LinkedTxn", []) if kind == "Invoice" else []
    found = [str(link.get("TxnId")) for link in links if link.get("TxnType") == "Estimate"]
    return [{"TxnId": company.require("Estimate", id_)["Id"], "TxnType": "Estimate"} for id_ in found]


def _close_estimate(company: Company, id_: str, link: Entity) -> None:
    estimate = company.require("Estimate", id_)
    closed = {**estimate, "TxnStatus": "Closed", "LinkedTxn": [*estimate["LinkedTxn"], link]}
    company.replace(KINDS["Estimate"], closed)


COMPLETE = {
    "Invoice": _invoice,
    "SalesReceipt": _receipt,
    "RefundReceipt": _receipt,
    "CreditMemo": _memo,
    "Estimate": _estimate,
}


def _due(begin: date, term: Entity | None) -> date:
    if term is None:
        return begin + timedelta(days=DEFAULT_DUE_DAYS)
    if "DueDays" in term:
        return begin + timedelta(days=int(term["DueDays"]))
    due = _day_of_month(begin, int(term["DayOfMonthDue"]))
    if due < begin + timedelta(days=int(term.get("DueNextMonthDays", 0))):
        return _day_of_month((due.replace(day=1) + timedelta(days=32)), int(term["DayOfMonthDue"]))
    return due


def _day_of_month(within: date, wanted: int) -> date:
    """That day of the month, or its last one."""
    return within.replace(day=min(wanted, monthrange(within.year, within.month)[1]))


def _texts(sale: Entity) -> None:
    check_length(sale, "PrivateNote", 4000)
    memo = sale.get("CustomerMemo", {}).get("value", "")
    if len(memo) > 1000:  # noqa: PLR2004 - the API reference's figure
        raise too_long("CustomerMemo", 1000, len(memo))
    email = sale.get("BillEmail", {}).get("Address")
    if email is not None and not all(EMAIL.fullmatch(one.strip()) for one in email.split(",")):
        raise QboError("2210", f"Email Address is not valid. Supplied value:{email}", "BillEmail")
    for name, allowed in ENUMS.items():
        if sale.get(name) not in {None, *allowed}:
            raise QboError("2170", f"Invalid enumeration value for {name}. Supplied value:{sale[name]}", name)
    if sale.get("EmailStatus") == "NeedToSend" and email is None:
        raise QboError("6000", "BillEmail is required when EmailStatus is NeedToSend", "BillEmail")


def _addresses(sale: Entity, customer: Entity | None) -> None:
    for name in ("BillAddr", "ShipAddr"):
        if customer is not None and name not in sale and name in customer:
            sale[name] = dict(customer[name])
    if customer is not None and "BillEmail" not in sale and "PrimaryEmailAddr" in customer:
        sale["BillEmail"] = {"Address": customer["PrimaryEmailAddr"].get("Address")}


def _custom_fields(sale: Entity) -> None:
    values: dict[str, str] = {}
    for sent in sale.get("CustomField", []):
        id_ = str(sent.get("DefinitionId"))
        if id_ not in CUSTOM_FIELDS:
            raise QboError("3000", f"Invalid custom field. DefinitionId {id_} is not defined", "CustomField")
        if "StringValue" in sent:
            values[id_] = str(sent["StringValue"])
            if len(values[id_]) > CUSTOM_LENGTH:
                raise too_long("CustomField.StringValue", CUSTOM_LENGTH, len(values[id_]))
    sale["CustomField"] = [
        {"DefinitionId": id_, "Name": name, "Type": "StringType"}
        | ({"StringValue": values[id_]} if id_ in values else {})
        for id_, name in CUSTOM_FIELDS.items()
    ]
