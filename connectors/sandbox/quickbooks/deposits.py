"""Deposit: money taken to the bank. What is part of one is frozen until the deposit is gone."""

from decimal import Decimal

from connectors.sandbox.quickbooks.company import ZERO, Company, Entity, cents, day, number
from connectors.sandbox.quickbooks.currency import deal_currency
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.kinds import KINDS

DEPOSITED = ("Payment", "SalesReceipt", "RefundReceipt")


def complete_deposit(company: Company, _kind: str, deposit: Entity, _sent: Entity, _old: Entity | None) -> None:
    """Check a deposit. Raises 2020, 620 (a transaction that is not deposited) and reference errors."""
    company.reference(deposit, "DepositToAccountRef", "Account", required=True)
    deposit["TxnDate"] = day(deposit.get("TxnDate", company.today()), "TxnDate").isoformat()
    deal_currency(company, deposit, None)
    if not deposit.get("Line"):
        raise missing("Line")
    total = ZERO
    for line in deposit["Line"]:
        for link in line.get("LinkedTxn", []):
            if link.get("TxnType") not in DEPOSITED:
                raise QboError(
                    "620", f"Transaction of type {link.get('TxnType')} cannot be deposited", "Line.LinkedTxn"
                )
            source = company.require(link["TxnType"], link.get("TxnId"))
            line.setdefault("Amount", Decimal(source["TotalAmt"]))
        total += cents(number(line.get("Amount", 0), "Line.Amount"))
    deposit["TotalAmt"] = cents(total)


def after_deposit(company: Company, old: Entity | None, new: Entity | None) -> None:
    """Freeze what is part of the deposit, let go what no longer is."""
    before, after = _parts(old), _parts(new)
    mark = {"TxnId": (new or old or {})["Id"], "TxnType": "Deposit"}
    for kind, id_ in before - after:
        _link(company, kind, id_, mark, present=False)
    for kind, id_ in after - before:
        _link(company, kind, id_, mark, present=True)


def check_not_deposited(entity: Entity) -> None:
    """Raise 6540 for a transaction that is part of a deposit."""
    if any(link["TxnType"] == "Deposit" for link in entity.get("LinkedTxn", [])):
        raise QboError("6540", "Deposited Transaction cannot be changed : remove it from the deposit first")


def _parts(deposit: Entity | None) -> set[tuple[str, str]]:
    lines = deposit["Line"] if deposit else []
    return {(link["TxnType"], str(link["TxnId"])) for line in lines for link in line.get("LinkedTxn", [])}


def _link(company: Company, kind: str, id_: str, mark: Entity, *, present: bool) -> None:
    source = company.get(kind, id_)
    if source is None:
        return
    others = [link for link in source.get("LinkedTxn", []) if link != mark]
    company.replace(KINDS[kind], {**source, "LinkedTxn": [*others, mark] if present else others})
