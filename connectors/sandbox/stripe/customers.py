"""Customers."""

from connectors.sandbox.stripe import subscriptions
from connectors.sandbox.stripe.errors import StripeError
from connectors.sandbox.stripe.forms import Params, metadata, text, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger

TEXTS = ("description", "email", "name", "phone")
TAX_EXEMPT = ("none", "exempt", "reverse")
NO_ADDRESS = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))


def create(ledger: Ledger, params: Params) -> Entity:
    """Make a customer."""
    clock = text(params, "test_clock")
    if clock:
        ledger.clock = int(ledger.referred("test_helpers.test_clock", clock, "test_clock")["frozen_time"])
    customer: Entity = {
        "id": text(params, "id") or ledger.new_id("customer"),
        "object": "customer",
        "address": None,
        "balance": 0,
        "created": ledger.now(),
        "currency": None,
        "default_source": None,
        "delinquent": False,
        **dict.fromkeys(TEXTS),
        "invoice_prefix": "".join(ledger.random.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=8)),
        "invoice_settings": dict.fromkeys(("custom_fields", "default_payment_method", "footer", "rendering_options")),
        "livemode": False,
        "metadata": {},
        "next_invoice_sequence": 1,
        "preferred_locales": [],
        "shipping": None,
        "tax_exempt": "none",
        "test_clock": clock,
    }
    customer = _applied(customer, params)
    ledger.put("customer", customer)
    ledger.announce("customer.created", customer)
    return customer


def update(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Change a customer."""
    before = ledger.require("customer", id_)
    return ledger.changed("customer", "customer.updated", before, _applied(before, params))


def delete(ledger: Ledger, id_: str) -> Entity:
    """Delete a customer: its subscriptions end; reading it afterwards tells that it is deleted."""
    customer = ledger.require("customer", id_)
    for subscription in ledger.find("subscription", "customer", id_):
        if subscription["status"] != "canceled":
            subscriptions.cancel(ledger, subscription["id"], {})
    ledger.announce("customer.deleted", customer)
    stub = {"id": id_, "object": "customer", "deleted": True}
    ledger.put("customer", stub)
    return stub


def _applied(customer: Entity, params: Params) -> Entity:
    after = {**customer, "metadata": metadata(customer["metadata"], params)}
    after |= {name: text(params, name) for name in TEXTS if name in params}
    if "address" in params:
        after["address"] = {**NO_ADDRESS, **params["address"]} if isinstance(params["address"], dict) else None
    if "shipping" in params:
        after["shipping"] = params["shipping"] or None
    if "balance" in params:
        after["balance"] = whole(params, "balance")
    if "preferred_locales" in params:
        after["preferred_locales"] = params["preferred_locales"]
    if "tax_exempt" in params:
        if params["tax_exempt"] not in TAX_EXEMPT:
            raise StripeError("Invalid tax_exempt: must be one of none, exempt, or reverse", param="tax_exempt")
        after["tax_exempt"] = params["tax_exempt"]
    if isinstance(params.get("invoice_settings"), dict):
        after["invoice_settings"] = {**after["invoice_settings"], **params["invoice_settings"]}
    if text(params, "payment_method") or text(params, "source"):
        after["invoice_settings"] = {
            **after["invoice_settings"],
            "default_payment_method": text(params, "payment_method") or text(params, "source"),
        }
    return after
