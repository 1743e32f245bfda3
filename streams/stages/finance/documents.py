"""What one document, order or subscription adds to its customer's figures, kept as a row under the customer."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from msgspec.structs import replace

from connectors.kafka.records import Entity
from streams.stages import money
from streams.stages.finance import figures, home
from streams.stages.finance.home import ZERO
from streams.stages.rows import Document
from streams.stages.work import Work

DIGITS = 20
SALES = frozenset({"INVOICE", "SALES_RECEIPT"})
A_YEAR: Mapping[str, Decimal] = {"day": Decimal(365), "week": Decimal(52), "month": Decimal(12), "year": Decimal(1)}
"""How many of an interval are a year."""


def settle(work: Work) -> Iterable[str]:
    """Keep the rows of what was touched; return the canonical ids of the customers concerned."""
    customers: dict[str, None] = {}
    for entity, row_of in _ROWS.items():
        for before, after in work.touched(entity):
            customers |= dict.fromkeys(_file(work, before, after, row_of))
    return customers


def _file(work: Work, before: Entity | None, after: Entity | None, row_of: "RowOf") -> Iterable[str]:
    """Keep the row of a record; return the customers whose figures are not right any more."""
    old, new = customer_of(work, before), customer_of(work, after)
    row = row_of(work, after) if after is not None and new is not None else None
    id_ = (after or before or {}).get("id", "")
    as_it_was = old == new and (new is None or work.rows.documents.get(new, id_) == row)
    if old is not None and (old != new or row is None):
        work.rows.documents.drop(old, id_)
    if new is not None and row is not None and not as_it_was:
        work.rows.documents.put(row, new, id_)
    customers = [customer for customer in (old, new) if customer is not None]
    if row_of is _order:  # alone they make no figures
        customers = [customer for customer in customers if figures.has_any(work, customer)]
    return [customer for customer in customers if not (as_it_was and figures.follow_rows(work, customer))]


def customer_of(work: Work, record: Entity | None) -> str | None:
    """Return whom a document counts for: the survivor, where its customer was merged."""
    id_ = record["customer_id"] if record else None
    return None if id_ is None else work.standing("party", id_)


def _invoice(work: Work, invoice: Entity) -> Document | None:
    if invoice["status"] == "VOID":
        return None
    kind = invoice["kind"]
    row = Document(invoice["number"], invoice["issued_on"], _sequence(invoice), ZERO, ZERO, False, kind in SALES)
    currency = work.settings.currency
    total = home.amount(invoice, "total", "home_total", currency)
    balance = home.amount(invoice, "balance", "home_balance", currency)
    if total is None or balance is None:
        return replace(row, is_unconverted=True)
    if kind == "SALES_RECEIPT":
        return replace(row, received=total, is_payment=True)
    if kind == "REFUND_RECEIPT":
        return replace(row, received=-total)
    if kind == "CREDIT_MEMO":
        return replace(row, credit=balance)
    return replace(row, owed=balance, due_on=invoice["due_on"])


def _payment(work: Work, payment: Entity) -> Document | None:
    """A payment of nothing only allots a credit memo: no money came."""
    if payment["status"] != "RECEIVED":
        return None
    row = Document(None, payment["received_on"], _sequence(payment), ZERO, ZERO, False, False)
    currency = work.settings.currency
    amount = home.amount(payment, "amount", "home_amount", currency)
    unapplied = home.amount(payment, "unapplied", "", currency)
    if amount is None or unapplied is None:
        return replace(row, is_unconverted=True)
    return replace(row, received=amount, is_payment=amount > 0, credit=unapplied)


def _order(_work: Work, order: Entity) -> Document | None:
    if order["status"] != "WON":
        return None
    return Document(None, order["closed_on"], "", ZERO, ZERO, False, False, is_order=True)


def _subscription(work: Work, subscription: Entity) -> Document | None:
    if subscription["status"] == "UNKNOWN":
        return None
    row = Document(None, None, "", ZERO, ZERO, False, False, status=subscription["status"])
    names = {name for item in subscription["items"] if (name := _plan(work, item)) is not None}
    row = replace(row, plan=", ".join(sorted(names)) or None)
    if subscription["currency"] not in ("", work.settings.currency):
        return row
    return replace(row, monthly=monthly(subscription, work.settings.currency))


def _plan(work: Work, item: Entity) -> str | None:
    product = work.get("product", item["product_id"])
    name: str | None = product["name"] if product is not None else item["name"]
    return name


def monthly(subscription: Entity, currency: str) -> Decimal:
    """Return what a subscription comes to in a month: a year has 12 months, 52 weeks, 365 days.

    Items whose price depends on quantity or usage count nothing. Rounded half up to the currency's digits, once.
    """
    total = ZERO
    for item in subscription["items"]:
        periods = A_YEAR.get(item["interval"])
        if item["unit_amount"] is not None and periods is not None and item["interval_count"] > 0:
            yearly = money.times(money.times(item["unit_amount"], item["quantity"]), periods)
            total = money.CONTEXT.add(total, money.CONTEXT.divide(yearly, Decimal(12 * item["interval_count"])))
    return money.rounded(total, currency)


def _sequence(record: Entity) -> str:
    return max((ref["id"].rjust(DIGITS, "0") for ref in record["refs"]), default="")


RowOf = Callable[[Work, Entity], Document | None]
_ROWS: Mapping[str, RowOf] = {"invoice": _invoice, "payment": _payment, "order": _order, "subscription": _subscription}
COUNTED = frozenset(_ROWS)
