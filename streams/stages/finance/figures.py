"""All rows of a customer added up to its `finance`."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from streams.stages import money
from streams.stages.finance.home import ZERO
from streams.stages.rows import Document
from streams.stages.work import Work

STATUSES = ("ACTIVE", "TRIALING", "PAST_DUE", "UNPAID", "PAUSED", "INCOMPLETE", "CANCELLED")
"""Of subscriptions, the best first."""
PAYING = frozenset({"ACTIVE", "PAST_DUE"})


def reckon(work: Work, id_: str) -> None:
    """Set the figures of a customer; one that has nothing but orders yet has none."""
    rows = [row for _, row in work.rows.documents.scan(id_)]
    party = work.get("party", id_)
    if party is None or (party["finance"] is None and all(row.is_order for row in rows)):
        return
    day = work.rows.days.get()
    figures = _books(rows) | _overdue(rows, day.on if day is not None else None) | _subscriptions(rows)
    work.set("party", id_, finance={"currency": work.settings.currency, **figures})


def has_any(work: Work, id_: str) -> bool:
    """Tell whether a customer has figures; one without has nothing but orders."""
    party = work.get("party", id_)
    return party is not None and party["finance"] is not None


def follow_rows(work: Work, id_: str) -> bool:
    """Tell whether a customer's figures are right as long as its rows are: in today's currency, and since days come."""
    party = work.get("party", id_)
    figures = party["finance"] if party is not None else None
    if figures is None or figures["currency"] != work.settings.currency:
        return False
    return figures["overdue_amount"] is not None or work.rows.days.get() is None


def _books(rows: Sequence[Document]) -> dict[str, Any]:
    payments = sorted((row for row in rows if row.is_payment), key=_place)
    invoices = sorted((row for row in rows if row.is_invoice), key=_place)
    return {
        "lifetime_value": _sum(row.received for row in rows),
        "open_balance": _sum(row.owed for row in rows),
        "credit_balance": _sum(row.credit for row in rows if row.credit is not None),
        "refunded": _sum(-row.received for row in rows if row.received < 0),
        "invoice_count": len(invoices),
        "order_count": sum(row.is_order for row in rows),
        "unconverted_count": sum(row.is_unconverted for row in rows),
        "last_payment_on": _last(payments, "on"),
        "last_payment_amount": _last(payments, "received"),
        "last_invoice_number": _last(invoices, "number"),
    }


def _overdue(rows: Sequence[Document], day: date | None) -> dict[str, Any]:
    late = [row for row in rows if row.owed > 0 and row.due_on is not None and day is not None and row.due_on < day]
    return {
        "overdue_amount": _sum(row.owed for row in late) if day is not None else None,
        "overdue_since": min((row.due_on for row in late if row.due_on is not None), default=None),
    }


def _subscriptions(rows: Sequence[Document]) -> dict[str, Any]:
    found = {row.status for row in rows}
    best = next((status for status in STATUSES if status in found), None)
    plans = {row.plan for row in rows if best is not None and row.status == best and row.plan is not None}
    monthly = [row.monthly for row in rows if row.status in PAYING and row.monthly is not None]
    return {
        "subscription_status": best,
        "subscription_plan": ", ".join(sorted(plans)) or None,
        "monthly_recurring": _sum(monthly) if best is not None else None,
    }


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    total = ZERO
    for amount in amounts:
        total = money.CONTEXT.add(total, amount)
    return total


def _place(row: Document) -> tuple[date, str]:
    return row.on or date.min, row.sequence


def _last(rows: Sequence[Document], name: str) -> Any:
    return getattr(rows[-1], name) if rows else None
