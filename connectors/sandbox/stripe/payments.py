"""Payment intents, charges, refunds; a payment method's name tells whether a charge is declined, as in test mode."""

from typing import Any

from connectors.sandbox.stripe.errors import StripeError, missing_param
from connectors.sandbox.stripe.forms import Params, metadata, required, text, truth, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger

DECLINED = ("chargeDeclined", "chargeCustomerFail")
"""Parts of the names of Stripe's test payment methods that fail (docs.stripe.com, "Test card numbers")."""
LEAST = {"jpy": 50}
LEAST_MINOR = 50


class DeclinedError(StripeError):
    """The card was declined: 402, and what it leaves behind stays."""

    def __init__(self, **more: Any) -> None:
        super().__init__(
            "Your card was declined.",
            code="card_declined",
            status=402,
            type_="card_error",
            decline_code="generic_decline",
            **more,
        )


def create_intent(ledger: Ledger, params: Params) -> Entity:
    """Make a payment intent, and pay it where `confirm` is sent."""
    customer = text(params, "customer")
    if customer:
        ledger.referred("customer", customer, "customer")
    currency, amount = required(params, "currency").lower(), whole(params, "amount")
    if amount < LEAST.get(currency, LEAST_MINOR):
        raise StripeError("Amount must be at least 50 cents", code="amount_too_small", param="amount")
    intent = intent_of(ledger, amount, currency, customer)
    intent |= {
        "description": text(params, "description"),
        "metadata": metadata({}, params),
        "payment_method": text(params, "payment_method"),
        "receipt_email": text(params, "receipt_email"),
    }
    if intent["payment_method"]:
        intent["status"] = "requires_confirmation"
    ledger.put("payment_intent", intent)
    ledger.announce("payment_intent.created", intent)
    return confirm(ledger, intent["id"], params) if truth(params, "confirm", default=False) else intent


def intent_of(ledger: Ledger, amount: int, currency: str, customer: str | None) -> Entity:
    """A payment intent that nothing has happened to."""
    id_ = ledger.new_id("payment_intent")
    return {
        "id": id_,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": 0,
        "amount_received": 0,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": "automatic",
        "client_secret": f"{id_}_secret_{ledger.random.getrandbits(80):020x}",
        "confirmation_method": "automatic",
        "created": ledger.now(),
        "currency": currency,
        "customer": customer,
        "description": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": None,
        "payment_method_types": ["card"],
        "receipt_email": None,
        "status": "requires_payment_method",
    }


def confirm(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Pay an intent.

    Raises:
        DeclinedError: the payment method's name says so.
    """
    intent = ledger.require("payment_intent", id_)
    if intent["status"] not in {"requires_payment_method", "requires_confirmation"}:
        message = f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
        raise StripeError(message, code="payment_intent_unexpected_state")
    method = text(params, "payment_method") or intent["payment_method"]
    if method is None:
        raise missing_param("payment_method")
    return settle(ledger, {**intent, "payment_method": method})


def settle(ledger: Ledger, intent: Entity) -> Entity:
    """Charge an intent's payment method.

    Raises:
        DeclinedError: it is declined; the attempt is kept.
    """
    declined = any(part in str(intent["payment_method"]) for part in DECLINED)
    charge = _charge(ledger, intent, declined=declined)
    if declined:

        def keep(later: Ledger) -> None:
            later.put("charge", charge)
            error = DeclinedError().body()["error"]
            failed = {**intent, "status": "requires_payment_method", "last_payment_error": error}
            later.put("payment_intent", {**failed, "latest_charge": charge["id"]})
            later.announce("charge.failed", charge)
            later.announce("payment_intent.payment_failed", failed)

        ledger.aftermath.append(keep)
        raise DeclinedError(charge=charge["id"])
    paid = {**intent, "status": "succeeded", "amount_received": intent["amount"], "latest_charge": charge["id"]}
    ledger.put("charge", charge)
    ledger.put("payment_intent", paid)
    ledger.announce("charge.succeeded", charge)
    ledger.announce("payment_intent.succeeded", paid)
    return paid


def cancel(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Give up an intent that is not paid."""
    before = ledger.require("payment_intent", id_)
    if before["status"] in {"succeeded", "canceled"}:
        message = f"You cannot cancel this PaymentIntent because it has a status of {before['status']}."
        raise StripeError(message, code="payment_intent_unexpected_state")
    reason = text(params, "cancellation_reason")
    after = {**before, "status": "canceled", "canceled_at": ledger.now(), "cancellation_reason": reason}
    ledger.put("payment_intent", after)
    ledger.announce("payment_intent.canceled", after)
    return after


def refund(ledger: Ledger, params: Params) -> Entity:
    """Give back part or all of a charge, named by itself or by its intent.

    Raises:
        StripeError: nothing is left, or more is asked than is left.
    """
    charge = _of(ledger, params)
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded")
    amount = whole(params, "amount", left)
    if not 0 < amount <= left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        raise StripeError(message, param="amount")
    made: Entity = {
        "id": ledger.new_id("refund"),
        "object": "refund",
        "amount": amount,
        "charge": charge["id"],
        "created": ledger.now(),
        "currency": charge["currency"],
        "metadata": metadata({}, params),
        "payment_intent": charge["payment_intent"],
        "reason": text(params, "reason"),
        "receipt_number": None,
        "status": "succeeded",
    }
    ledger.put("refund", made)
    refunded = charge["amount_refunded"] + amount
    after = {**charge, "amount_refunded": refunded, "refunded": refunded == charge["amount"]}
    ledger.put("charge", after)
    ledger.announce("refund.created", made)
    previous = {name: charge[name] for name in ("amount_refunded", "refunded") if charge[name] != after[name]}
    ledger.announce("charge.refunded", after, previous)
    return made


def update(ledger: Ledger, kind: str, id_: str, params: Params) -> Entity:
    """Change metadata and description of a payment intent, charge or refund."""
    before = ledger.require(kind, id_)
    after = {**before, "metadata": metadata(before["metadata"], params)}
    if "description" in params and "description" in before:
        after["description"] = text(params, "description")
    return ledger.changed(kind, f"{kind}.updated", before, after)


def _of(ledger: Ledger, params: Params) -> Entity:
    if text(params, "charge"):
        return ledger.referred("charge", text(params, "charge"), "charge")
    intent = ledger.referred("payment_intent", text(params, "payment_intent"), "payment_intent")
    if intent["status"] != "succeeded":
        raise StripeError(f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.")
    return ledger.referred("charge", intent["latest_charge"], "charge")


def _charge(ledger: Ledger, intent: Entity, *, declined: bool) -> Entity:
    return {
        "id": ledger.new_id("charge"),
        "object": "charge",
        "amount": intent["amount"],
        "amount_captured": 0 if declined else intent["amount"],
        "amount_refunded": 0,
        "balance_transaction": None,
        "billing_details": {"address": None, "email": None, "name": None, "phone": None},
        "captured": not declined,
        "created": ledger.now(),
        "currency": intent["currency"],
        "customer": intent["customer"],
        "description": intent["description"],
        "disputed": False,
        "failure_code": "card_declined" if declined else None,
        "failure_message": "Your card was declined." if declined else None,
        "livemode": False,
        "metadata": intent["metadata"],
        "paid": not declined,
        "payment_intent": intent["id"],
        "payment_method": intent["payment_method"],
        "receipt_email": intent["receipt_email"],
        "refunded": False,
        "status": "failed" if declined else "succeeded",
    }
