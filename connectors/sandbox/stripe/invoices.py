"""Invoices: draft → open → paid, void or uncollectible (docs.stripe.com, "Status transitions")."""

from connectors.sandbox.stripe import payments
from connectors.sandbox.stripe.errors import StripeError, missing_param
from connectors.sandbox.stripe.forms import Params, metadata, required, text, truth, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger, listing
from connectors.sandbox.stripe.lines import line_of, with_lines
from connectors.sandbox.stripe.payments import DeclinedError

DAY = 86400
MANUAL = "manual"


def create(ledger: Ledger, params: Params) -> Entity:
    """Make a draft, with the customer's pending items where asked."""
    customer = ledger.referred("customer", required(params, "customer"), "customer")
    invoice = draft(ledger, customer, MANUAL, text(params, "currency") or customer["currency"] or "usd")
    invoice |= {
        "auto_advance": truth(params, "auto_advance", default=False),
        "collection_method": _collection(params),
        "description": text(params, "description"),
        "footer": text(params, "footer"),
        "metadata": metadata({}, params),
        "due_date": _due(ledger, params),
    }
    lines: list[Entity] = []
    if params.get("pending_invoice_items_behavior") == "include":
        for item in ledger.find("invoiceitem", "customer", customer["id"]):
            if item["invoice"] is None and item["currency"] == invoice["currency"]:
                ledger.put("invoiceitem", {**item, "invoice": invoice["id"]})
                lines.append(line_of(ledger, invoice["id"], item))
    return added(ledger, with_lines(invoice, lines))


def draft(ledger: Ledger, customer: Entity, reason: str, currency: str) -> Entity:
    """An invoice without lines."""
    now, id_ = ledger.now(), ledger.new_id("invoice")
    amounts = ("amount_due", "amount_overpaid", "amount_paid", "amount_remaining", "amount_shipping", "subtotal")
    return {
        "id": id_,
        "object": "invoice",
        "account_country": "US",
        "account_name": ledger.account,
        **dict.fromkeys((*amounts, "subtotal_excluding_tax", "total", "total_excluding_tax"), 0),
        "attempt_count": 0,
        "attempted": False,
        "auto_advance": False,
        "automatic_tax": {"enabled": False, "status": None, "liability": None},
        "billing_reason": reason,
        "collection_method": "charge_automatically",
        "created": now,
        "currency": currency,
        "customer": customer["id"],
        "customer_address": customer["address"],
        "customer_email": customer["email"],
        "customer_name": customer["name"],
        "customer_phone": customer["phone"],
        "customer_shipping": customer["shipping"],
        "default_payment_method": None,
        "description": None,
        "discounts": [],
        "due_date": None,
        "ending_balance": None,
        "footer": None,
        "hosted_invoice_url": None,
        "invoice_pdf": None,
        "lines": listing(f"/v1/invoices/{id_}/lines", []),
        "livemode": False,
        "metadata": {},
        "next_payment_attempt": None,
        "number": None,
        "parent": None,
        "payments": listing("/v1/invoice_payments", []),
        "period_end": now,
        "period_start": now,
        "post_payment_credit_notes_amount": 0,
        "pre_payment_credit_notes_amount": 0,
        "starting_balance": 0,
        "status": "draft",
        "status_transitions": dict.fromkeys(("finalized_at", "marked_uncollectible_at", "paid_at", "voided_at")),
        "test_clock": customer["test_clock"],
        "total_discount_amounts": [],
        "total_taxes": [],
        "webhooks_delivered_at": None,
    }


def added(ledger: Ledger, invoice: Entity) -> Entity:
    """Store and announce a new invoice."""
    ledger.put("invoice", invoice)
    ledger.announce("invoice.created", invoice)
    return invoice


def update(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Change a draft; of a finalised one only metadata."""
    before = ledger.require("invoice", id_)
    after = {**before, "metadata": metadata(before["metadata"], params)}
    if before["status"] == "draft":
        after |= {name: text(params, name) for name in ("description", "footer") if name in params}
        after["auto_advance"] = truth(params, "auto_advance", default=before["auto_advance"])
        if "collection_method" in params:
            after |= {"collection_method": _collection(params), "due_date": _due(ledger, params)}
    elif set(params) - {"metadata", "expand"}:
        raise StripeError("Finalized invoices can't be updated in this way", code="invoice_not_editable")
    return ledger.changed("invoice", "invoice.updated", before, after)


def delete(ledger: Ledger, id_: str) -> Entity:
    """Delete a draft."""
    invoice = ledger.require("invoice", id_)
    if invoice["status"] != "draft":
        raise StripeError("You can only delete draft invoices.", code="invoice_not_editable")
    ledger.ctx.database.remove(ledger.account, "invoice", id_)
    ledger.announce("invoice.deleted", invoice)
    return {"id": id_, "object": "invoice", "deleted": True}


def finalize(ledger: Ledger, id_: str) -> Entity:
    """Open a draft: it gets its number; one that asks for nothing is paid at once."""
    before = require_in(
        ledger, id_, "draft", "This invoice is already finalized, you can't re-finalize a non-draft invoice."
    )
    customer = ledger.require("customer", before["customer"])
    number = f"{customer['invoice_prefix']}-{customer['next_invoice_sequence']:04d}"
    ledger.put("customer", {**customer, "next_invoice_sequence": customer["next_invoice_sequence"] + 1})
    url = f"https://invoice.stripe.test/i/{ledger.identity['account_id']}/{id_}"
    after = {
        **before,
        "number": number,
        "status": "open",
        "hosted_invoice_url": url,
        "invoice_pdf": f"{url}/pdf",
        "ending_balance": 0,
        "status_transitions": {**before["status_transitions"], "finalized_at": ledger.now()},
    }
    ledger.put("invoice", after)
    ledger.announce("invoice.finalized", after)
    return paid(ledger, after, None) if after["amount_due"] == 0 else after


def pay(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Pay an open invoice: by the customer's payment method, or outside of Stripe.

    Raises:
        DeclinedError: the payment method is declined; the attempt is counted.
    """
    invoice = ledger.require("invoice", id_)
    if invoice["status"] == "draft":
        invoice = finalize(ledger, id_)
    if invoice["status"] == "paid":
        raise StripeError("Invoice is already paid", code="invoice_already_paid")
    if invoice["status"] not in {"open", "uncollectible"}:
        raise StripeError(f"Invoice is {invoice['status']}", code="invoice_not_editable")
    if truth(params, "paid_out_of_band", default=False):
        return paid(ledger, invoice, None)
    return charged(ledger, invoice, text(params, "payment_method"))


def charged(ledger: Ledger, invoice: Entity, method: str | None) -> Entity:
    """Charge an open invoice.

    Raises:
        DeclinedError: as `pay`.
        StripeError: the customer has nothing to pay with.
    """
    customer = ledger.require("customer", invoice["customer"])
    method = method or customer["invoice_settings"]["default_payment_method"]
    if method is None:
        message = "There is no `default_payment_method` set on this Customer or Invoice."
        raise StripeError(message, code="missing_payment_method")
    intent = payments.intent_of(ledger, invoice["amount_remaining"], invoice["currency"], invoice["customer"])
    intent |= {"payment_method": method, "description": f"Payment for Invoice {invoice['number']}"}
    try:
        done = payments.settle(ledger, intent)
    except DeclinedError:
        failed = {**invoice, "attempted": True, "attempt_count": invoice["attempt_count"] + 1}
        ledger.aftermath.append(lambda later: _failed(later, failed))
        raise
    return paid(ledger, {**invoice, "attempt_count": invoice["attempt_count"] + 1}, done)


def paid(ledger: Ledger, invoice: Entity, intent: Entity | None) -> Entity:
    """The invoice paid, by an intent or without one."""
    now = ledger.now()
    done = invoice["payments"]["data"]
    if intent is not None:
        done = [*done, _payment(ledger, invoice, intent)]
    after = {
        **invoice,
        "status": "paid",
        "attempted": True,
        "amount_paid": invoice["amount_remaining"] if intent is not None else invoice["amount_paid"],
        "amount_remaining": 0,
        "next_payment_attempt": None,
        "payments": {**invoice["payments"], "data": done},
        "status_transitions": {**invoice["status_transitions"], "paid_at": now},
    }
    if intent is None:
        after["amount_paid"] = invoice["amount_due"]
    ledger.put("invoice", after)
    ledger.announce("invoice.paid", after)
    if intent is not None or invoice["amount_due"] == 0:
        ledger.announce("invoice.payment_succeeded", after)
    return after


def void(ledger: Ledger, id_: str) -> Entity:
    """Void an open or uncollectible invoice."""
    return _ended(ledger, id_, "void", "voided_at", "invoice.voided")


def uncollectible(ledger: Ledger, id_: str) -> Entity:
    """Give an open invoice up."""
    return _ended(ledger, id_, "uncollectible", "marked_uncollectible_at", "invoice.marked_uncollectible")


def send(ledger: Ledger, id_: str) -> Entity:
    """Mail an invoice, which opens a draft."""
    invoice = ledger.require("invoice", id_)
    if invoice["status"] == "draft":
        invoice = finalize(ledger, id_)
    ledger.announce("invoice.sent", invoice)
    return invoice


def require_in(ledger: Ledger, id_: str, status: str, message: str) -> Entity:
    """An invoice that is in that status.

    Raises:
        StripeError: it is not.
    """
    invoice = ledger.require("invoice", id_)
    if invoice["status"] != status:
        raise StripeError(message, code="invoice_not_editable")
    return invoice


def _ended(ledger: Ledger, id_: str, status: str, moment: str, type_: str) -> Entity:
    invoice = ledger.require("invoice", id_)
    allowed = {"open", "uncollectible"} if status == "void" else {"open"}
    if invoice["status"] not in allowed:
        message = f"You can only pass in open invoices. This invoice isn't open ({invoice['status']})."
        raise StripeError(message, code="invoice_not_editable")
    moments = {**invoice["status_transitions"], moment: ledger.now()}
    after = {**invoice, "status": status, "status_transitions": moments}
    ledger.put("invoice", after)
    ledger.announce(type_, after)
    return after


def _failed(ledger: Ledger, invoice: Entity) -> None:
    ledger.put("invoice", invoice)
    ledger.announce("invoice.payment_failed", invoice)


def _payment(ledger: Ledger, invoice: Entity, intent: Entity) -> Entity:
    return {
        "id": ledger.new_id("invoice_payment"),
        "object": "invoice_payment",
        "amount_paid": intent["amount"],
        "amount_requested": intent["amount"],
        "created": ledger.now(),
        "currency": invoice["currency"],
        "invoice": invoice["id"],
        "is_default": True,
        "livemode": False,
        "payment": {"type": "payment_intent", "payment_intent": intent["id"]},
        "status": "paid",
        "status_transitions": {"canceled_at": None, "paid_at": ledger.now()},
    }


def _collection(params: Params) -> str:
    method = text(params, "collection_method") or "charge_automatically"
    if method not in {"charge_automatically", "send_invoice"}:
        raise StripeError("Invalid collection_method: must be one of charge_automatically or send_invoice")
    if method == "send_invoice" and "days_until_due" not in params and "due_date" not in params:
        raise missing_param("days_until_due")
    return method


def _due(ledger: Ledger, params: Params) -> int | None:
    if "due_date" in params:
        return whole(params, "due_date")
    return ledger.now() + whole(params, "days_until_due") * DAY if "days_until_due" in params else None
