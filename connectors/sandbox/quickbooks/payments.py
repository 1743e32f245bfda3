"""Payment: what it applies to, and how that moves the balances of invoices and credit memos."""

from collections.abc import Sequence
from decimal import Decimal

from connectors.sandbox.quickbooks.company import ZERO, Company, Entity, cents, day, number
from connectors.sandbox.quickbooks.currency import at_home, deal_currency
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.kinds import KINDS
from connectors.sandbox.quickbooks.names import check_length

UNDEPOSITED_FUNDS = {"value": "4"}
OPEN_AMOUNT = {"Invoice": "Balance", "CreditMemo": "RemainingCredit"}
Target = tuple[str, str]


def complete_payment(company: Company, _kind: str, payment: Entity, _sent: Entity, old: Entity | None) -> None:
    """Check a payment and split it into applied and unapplied.

    Raises 6000 (no amount; more applied than there is), 610 and 620 (linked to what cannot be).
    """
    if "TotalAmt" not in payment:
        raise QboError("6000", "Business Validation Error: You must set a transaction amount", "TotalAmt")
    customer = company.reference(payment, "CustomerRef", "Customer", required=True)
    payment["TotalAmt"] = cents(number(payment["TotalAmt"], "TotalAmt"))
    payment["TxnDate"] = day(payment.get("TxnDate", company.today()), "TxnDate").isoformat()
    deal_currency(company, payment, customer)
    payment.setdefault("DepositToAccountRef", dict(UNDEPOSITED_FUNDS))
    company.reference(payment, "DepositToAccountRef", "Account")
    company.reference(payment, "PaymentMethodRef", "PaymentMethod")
    check_length(payment, "PaymentRefNum", 21)
    check_length(payment, "PrivateNote", 4000)
    payment.setdefault("ProcessPayment", False)
    lines = [_line(line) for line in payment.get("Line", [])]
    _check_open(company, payment, lines, old)
    payment.update(settle(payment, lines))
    payment["LinkedTxn"] = old.get("LinkedTxn", []) if old else []
    at_home(company, payment)
    if payment["UnappliedAmt"] < 0:
        raise QboError("6000", "The amount applied is larger than the amount of the payment", "TotalAmt")


def settle(payment: Entity, lines: Sequence[Entity]) -> Entity:
    """The payment with these lines and the amount they leave over."""
    used = sum((line["Amount"] if _target(line)[0] == "Invoice" else -line["Amount"] for line in lines), ZERO)
    return {**payment, "Line": list(lines), "UnappliedAmt": cents(Decimal(payment["TotalAmt"]) - used)}


def after_payment(company: Company, old: Entity | None, new: Entity | None) -> None:
    """Bring what the payment touches, or touched, up to date."""
    targets = {_target(line): None for payment in (old, new) if payment for line in payment["Line"]}
    for kind, id_ in targets:
        _refresh(company, kind, id_)


def applied(company: Company, kind: str, sale: Entity) -> Decimal:
    """How much of a sale the stored payments cover; nothing for a new one."""
    if "Id" not in sale:
        return ZERO
    return sum((amount for _, amount in _links(company, kind, sale)), ZERO)


def void_payment(company: Company, payment: Entity, note: str) -> Entity:
    """Zero a payment; what it paid is open again."""
    voided = {**payment, "TotalAmt": ZERO, "UnappliedAmt": ZERO, "Line": [], "PrivateNote": note}
    stored = company.replace(KINDS["Payment"], voided, "voided")
    after_payment(company, payment, stored)
    return stored


def _line(sent: Entity) -> Entity:
    links = sent.get("LinkedTxn") or []
    if len(links) != 1:
        raise missing("Line.LinkedTxn")
    if "Amount" not in sent:
        raise missing("Line.Amount")
    type_, id_ = str(links[0].get("TxnType")), str(links[0].get("TxnId"))
    if type_ not in OPEN_AMOUNT:
        raise QboError("620", f"Transaction of type {type_} cannot be linked to a payment", "Line.LinkedTxn")
    amount = cents(number(sent["Amount"], "Line.Amount"))
    if amount < 0:
        raise QboError("6000", "The amount applied must be 0 or greater", "Line.Amount")
    return {"Amount": amount, "LinkedTxn": [{"TxnId": id_, "TxnType": type_}]}


def _check_open(company: Company, payment: Entity, lines: Sequence[Entity], old: Entity | None) -> None:
    wanted: dict[Target, Decimal] = {}
    for line in lines:
        wanted[_target(line)] = wanted.get(_target(line), ZERO) + line["Amount"]
    for (kind, id_), amount in wanted.items():
        sale = company.require(kind, id_)
        if sale["CustomerRef"]["value"] != payment["CustomerRef"]["value"]:
            raise QboError("620", f"{kind} {id_} belongs to another customer", "Line.LinkedTxn")
        mine = sum((line["Amount"] for line in (old["Line"] if old else []) if _target(line) == (kind, id_)), ZERO)
        open_ = Decimal(sale[OPEN_AMOUNT[kind]]) + mine
        if amount > open_:
            detail = f"The amount applied to {kind} {id_} is larger than its open balance {open_}"
            raise QboError("6000", detail, "Line.Amount")


def _refresh(company: Company, kind: str, id_: str) -> None:
    sale = company.get(kind, id_)
    if sale is None:
        return
    links = _links(company, kind, sale)
    open_ = Decimal(sale["TotalAmt"]) - Decimal(sale.get("Deposit", 0)) - sum((amount for _, amount in links), ZERO)
    others = [link for link in sale["LinkedTxn"] if link["TxnType"] != "Payment"]
    paid_by = [{"TxnId": payment, "TxnType": "Payment"} for payment, _ in links]
    fresh = {**sale, "Balance": cents(open_), "LinkedTxn": [*others, *paid_by]}
    at_home(company, fresh)
    if kind == "CreditMemo":
        fresh["RemainingCredit"] = cents(open_)
    if fresh == sale:
        return
    if company.settings["payment_bumps_invoice"]:
        company.replace(KINDS[kind], fresh)
    else:
        company.put_quietly(KINDS[kind], fresh)


def _links(company: Company, kind: str, sale: Entity) -> list[tuple[str, Decimal]]:
    links: dict[str, Decimal] = {}
    for payment in company.of_customer("Payment", sale["CustomerRef"]["value"]):
        for line in payment["Line"]:
            if _target(line) == (kind, sale["Id"]):
                links[payment["Id"]] = links.get(payment["Id"], ZERO) + line["Amount"]
    return list(links.items())


def _target(line: Entity) -> Target:
    link = line["LinkedTxn"][0]
    return link["TxnType"], link["TxnId"]
