"""Subscriptions: items, trials, cancellation, renewal along a test clock (docs.stripe.com, "Subscriptions")."""

from calendar import monthrange
from datetime import UTC, datetime, timedelta

from connectors.sandbox.stripe import invoices
from connectors.sandbox.stripe.errors import StripeError, missing_param
from connectors.sandbox.stripe.forms import Params, metadata, required, text, truth, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger, listing
from connectors.sandbox.stripe.lines import line, with_lines
from connectors.sandbox.stripe.payments import DeclinedError

DAY = 86400
LIVE = frozenset({"trialing", "active", "past_due", "incomplete"})


def create(ledger: Ledger, params: Params) -> Entity:
    """Subscribe a customer: the first invoice is made and, unless on trial, collected."""
    customer = ledger.referred("customer", required(params, "customer"), "customer")
    _follow(ledger, customer)
    if not isinstance(params.get("items"), list) or not params["items"]:
        raise missing_param("items")
    now, id_ = ledger.now(), ledger.new_id("subscription")
    prices = [ledger.referred("price", str(item.get("price")), "items[0][price]") for item in params["items"]]
    if any(price["type"] != "recurring" for price in prices):
        raise StripeError("The price specified is set to `type=one_time` but this field only accepts recurring prices.")
    trial_end = _trial_end(now, params)
    start, end = now, trial_end or _after(now, prices[0]["recurring"], now)
    items = [
        _item(ledger, id_, price, whole(sent, "quantity", 1), start, end)
        for price, sent in zip(prices, params["items"], strict=True)
    ]
    collection = text(params, "collection_method") or "charge_automatically"
    subscription: Entity = {
        "id": id_,
        "object": "subscription",
        "automatic_tax": {"enabled": False, "liability": None, "disabled_reason": None},
        "billing_cycle_anchor": end if trial_end else now,
        "cancel_at": None,
        "cancel_at_period_end": truth(params, "cancel_at_period_end", default=False),
        "canceled_at": None,
        "cancellation_details": {"comment": None, "feedback": None, "reason": None},
        "collection_method": collection,
        "created": now,
        "currency": prices[0]["currency"],
        "customer": customer["id"],
        "days_until_due": whole(params, "days_until_due", 30) if collection == "send_invoice" else None,
        "default_payment_method": text(params, "default_payment_method"),
        "description": text(params, "description"),
        "discounts": [],
        "ended_at": None,
        "items": {**listing(f"/v1/subscription_items?subscription={id_}", items), "total_count": len(items)},
        "latest_invoice": None,
        "livemode": False,
        "metadata": metadata({}, params),
        "pause_collection": None,
        "start_date": now,
        "status": "trialing" if trial_end else "active",
        "test_clock": customer["test_clock"],
        "trial_end": trial_end,
        "trial_settings": {"end_behavior": {"missing_payment_method": "create_invoice"}},
        "trial_start": now if trial_end else None,
    }
    if customer["currency"] is None:
        ledger.put("customer", {**customer, "currency": subscription["currency"]})
    subscription = _bill(ledger, subscription, "subscription_create", free=trial_end is not None)
    ledger.put("subscription", subscription)
    ledger.announce("customer.subscription.created", subscription)
    return subscription


def update(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Change items, quantity, metadata, the end of the trial, or ask for cancellation at the period's end."""
    before = ledger.require("subscription", id_)
    _follow(ledger, ledger.require("customer", before["customer"]))
    if before["status"] == "canceled":
        raise StripeError("A canceled subscription can only update its cancellation_details and metadata.")
    after = {
        **before,
        "metadata": metadata(before["metadata"], params),
        "cancel_at_period_end": truth(params, "cancel_at_period_end", default=before["cancel_at_period_end"]),
    }
    after |= {name: text(params, name) for name in ("description", "default_payment_method") if name in params}
    if isinstance(params.get("items"), list):
        after["items"] = {**before["items"], "data": _changed_items(ledger, before, params["items"])}
    if after["cancel_at_period_end"]:
        after |= {"cancel_at": _ends(after), "canceled_at": before["canceled_at"] or ledger.now()}
    elif before["cancel_at_period_end"]:
        after |= {"cancel_at": None, "canceled_at": None}
    if params.get("trial_end") == "now" and before["status"] == "trialing":
        after = _renewed(ledger, {**after, "trial_end": ledger.now()})
    return ledger.changed("subscription", "customer.subscription.updated", before, after)


def cancel(ledger: Ledger, id_: str, params: Params) -> Entity:
    """End a subscription at once."""
    before = ledger.require("subscription", id_)
    _follow(ledger, ledger.require("customer", before["customer"]))
    if before["status"] == "canceled":
        raise StripeError(f"No such subscription: '{id_}'", code="resource_missing", param="id", status=404)
    details = {**before["cancellation_details"], "reason": "cancellation_requested"}
    if isinstance(params.get("cancellation_details"), dict):
        details |= params["cancellation_details"]
    now = ledger.now()
    moments = {"canceled_at": before["canceled_at"] or now, "ended_at": now, "cancellation_details": details}
    after = {**before, "status": "canceled", **moments}
    ledger.put("subscription", after)
    ledger.announce("customer.subscription.deleted", after)
    return after


def advance(ledger: Ledger, clock: Entity, to: int) -> None:
    """Let time pass for the customers of a test clock: trials end, periods are billed, cancellations take effect."""
    for subscription in ledger.find("subscription", "test_clock", clock["id"]):
        current = subscription
        while current["status"] in LIVE and _ends(current) <= to:
            ledger.clock = _ends(current)
            before = current
            if current["cancel_at_period_end"]:
                current = cancel(ledger, current["id"], {})
                continue
            current = ledger.changed("subscription", "customer.subscription.updated", before, _renewed(ledger, current))


def _renewed(ledger: Ledger, subscription: Entity) -> Entity:
    """The subscription in its next period, billed."""
    items = []
    for item in subscription["items"]["data"]:
        start = ledger.now()
        end = _after(start, item["price"]["recurring"], subscription["billing_cycle_anchor"])
        items.append({**item, "current_period_start": start, "current_period_end": end})
    renewed = {**subscription, "status": "active", "items": {**subscription["items"], "data": items}}
    return _bill(ledger, renewed, "subscription_cycle", free=False)


def _bill(ledger: Ledger, subscription: Entity, reason: str, *, free: bool) -> Entity:
    """The subscription with its invoice: collected, or, where that fails, the state that follows from it."""
    customer = ledger.require("customer", subscription["customer"])
    invoice = invoices.draft(ledger, customer, reason, subscription["currency"])
    details = {"subscription": subscription["id"], "metadata": subscription["metadata"]}
    lines = []
    for item in subscription["items"]["data"]:
        price = {**item["price"], "unit_amount": 0} if free else item["price"]
        period = {"start": item["current_period_start"], "end": item["current_period_end"]}
        row = {"subscription": subscription["id"], "subscription_item": item["id"], "proration": False}
        parent = {"type": "subscription_item_details", "subscription_item_details": row}
        lines.append(line(ledger, invoice["id"], price, item["quantity"], period=period, parent=parent))
    invoice |= {
        "_subscription": subscription["id"],
        "parent": {"type": "subscription_details", "subscription_details": details},
        "collection_method": subscription["collection_method"],
        "auto_advance": True,
    }
    if subscription["days_until_due"] is not None:
        invoice["due_date"] = ledger.now() + subscription["days_until_due"] * DAY
    made = invoices.added(ledger, with_lines(invoice, lines))
    opened = invoices.finalize(ledger, made["id"])
    status = subscription["status"]
    if opened["status"] == "open" and subscription["collection_method"] == "charge_automatically":
        status = _collect(ledger, opened, subscription, reason)
    return {**subscription, "latest_invoice": made["id"], "status": status}


def _collect(ledger: Ledger, invoice: Entity, subscription: Entity, reason: str) -> str:
    try:
        invoices.charged(ledger, invoice, subscription["default_payment_method"])
    except DeclinedError:
        # The subscription itself is answered with 200: what failed is kept with it.
        for keep in ledger.aftermath:
            keep(ledger)
        ledger.aftermath.clear()
    except StripeError:
        failed = {**invoice, "attempted": True, "attempt_count": 1}
        ledger.put("invoice", failed)
        ledger.announce("invoice.payment_failed", failed)
    else:
        return str(subscription["status"])
    return "incomplete" if reason == "subscription_create" else "past_due"


def _item(ledger: Ledger, subscription: str, price: Entity, quantity: int, start: int, end: int) -> Entity:
    return {
        "id": ledger.new_id("subscription_item"),
        "object": "subscription_item",
        "billing_thresholds": None,
        "created": ledger.now(),
        "current_period_end": end,
        "current_period_start": start,
        "discounts": [],
        "metadata": {},
        "price": price,
        "quantity": quantity,
        "subscription": subscription,
        "tax_rates": [],
    }


def _changed_items(ledger: Ledger, subscription: Entity, sent: list[Params]) -> list[Entity]:
    items = {item["id"]: item for item in subscription["items"]["data"]}
    first = subscription["items"]["data"][0]
    for row in sent:
        known = items.get(str(row.get("id", "")))
        if row.get("id") and known is None:
            raise StripeError(f"No such subscription item: '{row['id']}'", code="resource_missing", param="items")
        if known is not None and str(row.get("deleted", "")).lower() == "true":
            del items[known["id"]]
            continue
        price = ledger.referred("price", str(row["price"]), "items[0][price]") if row.get("price") else None
        if known is None:
            if price is None:
                raise missing_param("items[0][price]")
            start, end = first["current_period_start"], first["current_period_end"]
            known = _item(ledger, subscription["id"], price, 1, start, end)
        quantity = whole(row, "quantity", known["quantity"])
        items[known["id"]] = {**known, "price": price or known["price"], "quantity": quantity}
    return list(items.values())


def _ends(subscription: Entity) -> int:
    return min(int(item["current_period_end"]) for item in subscription["items"]["data"])


def _trial_end(now: int, params: Params) -> int | None:
    if params.get("trial_end") not in (None, "", "now"):
        return whole(params, "trial_end")
    days = whole(params, "trial_period_days", 0)
    return now + days * DAY if days else None


def _follow(ledger: Ledger, customer: Entity) -> None:
    clock = ledger.get("test_helpers.test_clock", customer["test_clock"])
    if clock is not None and ledger.clock is None:
        ledger.clock = clock["frozen_time"]


def _after(start: int, recurring: Entity, anchor: int) -> int:
    """One period later, on the day of the anchor; where a month has no such day, on its last."""
    count, begin = recurring["interval_count"], datetime.fromtimestamp(start, UTC)
    match recurring["interval"]:
        case "day":
            return int((begin + timedelta(days=count)).timestamp())
        case "week":
            return int((begin + timedelta(weeks=count)).timestamp())
        case interval:
            months = begin.month - 1 + count * (12 if interval == "year" else 1)
            year, month = begin.year + months // 12, months % 12 + 1
            day = min(datetime.fromtimestamp(anchor, UTC).day, monthrange(year, month)[1])
            return int(begin.replace(year=year, month=month, day=day).timestamp())
