"""Credit notes: what an invoice is lowered by, before it is paid or after."""

from connectors.sandbox.stripe import payments
from connectors.sandbox.stripe.errors import StripeError
from connectors.sandbox.stripe.forms import Params, metadata, required, text, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger, listing


def create(ledger: Ledger, params: Params) -> Entity:
    """Lower an open invoice's remaining amount, or give back on a paid one.

    Raises:
        StripeError: more than the invoice has left, or a paid one without telling how the amount goes back.
    """
    invoice = ledger.referred("invoice", required(params, "invoice"), "invoice")
    if invoice["status"] not in {"open", "paid"}:
        raise StripeError("You can only create credit notes for open or paid invoices.", param="invoice")
    amount = whole(params, "amount")
    credited = invoice["pre_payment_credit_notes_amount"] + invoice["post_payment_credit_notes_amount"]
    if not 0 < amount <= invoice["total"] - credited:
        raise StripeError("The credit note amount is greater than what the invoice has left.", param="amount")
    refund = _refund(ledger, invoice, amount, params) if invoice["status"] == "paid" else None
    number = 1 + len(ledger.find("credit_note", "invoice", invoice["id"]))
    note: Entity = {
        "id": ledger.new_id("credit_note"),
        "object": "credit_note",
        "amount": amount,
        "created": ledger.now(),
        "currency": invoice["currency"],
        "customer": invoice["customer"],
        "invoice": invoice["id"],
        "lines": listing("/v1/credit_notes/lines", []),
        "livemode": False,
        "memo": text(params, "memo"),
        "metadata": metadata({}, params),
        "number": f"{invoice['number']}-CN-{number:02d}",
        "out_of_band_amount": whole(params, "out_of_band_amount", 0) or None,
        "post_payment_amount": amount if invoice["status"] == "paid" else 0,
        "pre_payment_amount": amount if invoice["status"] == "open" else 0,
        "reason": text(params, "reason"),
        "refunds": [{"amount_refunded": refund["amount"], "refund": refund["id"]}] if refund else [],
        "status": "issued",
        "subtotal": amount,
        "total": amount,
        "total_taxes": [],
        "type": "post_payment" if invoice["status"] == "paid" else "pre_payment",
        "voided_at": None,
    }
    ledger.put("credit_note", note)
    ledger.announce("credit_note.created", note)
    _lower(ledger, invoice, amount)
    return note


def void(ledger: Ledger, id_: str) -> Entity:
    """Take a credit note of an open invoice back.

    Raises:
        StripeError: it is void, or the invoice is no longer open.
    """
    note = ledger.require("credit_note", id_)
    invoice = ledger.require("invoice", note["invoice"])
    if note["status"] == "void" or invoice["status"] != "open":
        raise StripeError("You cannot void this credit note.")
    after = {**note, "status": "void", "voided_at": ledger.now()}
    ledger.put("credit_note", after)
    ledger.announce("credit_note.voided", after)
    _lower(ledger, invoice, -note["amount"])
    return after


def _lower(ledger: Ledger, invoice: Entity, amount: int) -> None:
    if invoice["status"] == "paid":
        credited = invoice["post_payment_credit_notes_amount"] + amount
        changed = {**invoice, "post_payment_credit_notes_amount": credited}
        ledger.changed("invoice", "invoice.updated", invoice, changed)
        return
    changed = {
        **invoice,
        "pre_payment_credit_notes_amount": invoice["pre_payment_credit_notes_amount"] + amount,
        "amount_due": invoice["amount_due"] - amount,
        "amount_remaining": invoice["amount_remaining"] - amount,
    }
    if changed["amount_remaining"] == 0:
        moments = {**invoice["status_transitions"], "paid_at": ledger.now()}
        changed |= {"status": "paid", "status_transitions": moments}
        ledger.put("invoice", changed)
        ledger.announce("invoice.paid", changed)
        return
    ledger.changed("invoice", "invoice.updated", invoice, changed)


def _refund(ledger: Ledger, invoice: Entity, amount: int, params: Params) -> Entity | None:
    parts = sum(whole(params, name, 0) for name in ("refund_amount", "credit_amount", "out_of_band_amount"))
    if parts != amount:
        message = "The sum of refund_amount, credit_amount and out_of_band_amount must equal the credit note amount."
        raise StripeError(message)
    back = whole(params, "refund_amount", 0)
    if not back:
        return None
    paid = invoice["payments"]["data"]
    if not paid:
        raise StripeError("The invoice was paid outside of Stripe: there is nothing to refund.", param="refund_amount")
    intent = paid[-1]["payment"]["payment_intent"]
    return payments.refund(ledger, {"payment_intent": intent, "amount": back})
