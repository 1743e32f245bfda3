"""The calls of the API: method and path → what they do."""

from collections.abc import Callable, Mapping
from typing import Any

from connectors.sandbox.stripe import (
    catalogue,
    clocks,
    credit_notes,
    customers,
    hooks,
    invoices,
    items,
    payments,
    subscriptions,
)
from connectors.sandbox.stripe.errors import missing_object
from connectors.sandbox.stripe.forms import Params, text, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger, listing
from connectors.sandbox.stripe.listing import listed

Call = Callable[[Ledger, str, Params], Entity]
"""(account's ledger, id in the address, parameters) -> the answer."""
INLINE = 10
"""Lines that an invoice itself shows, and the default of their list (docs.stripe.com, "Pagination")."""
COLLECTIONS: Mapping[str, str] = {
    "customers": "customer",
    "products": "product",
    "prices": "price",
    "subscriptions": "subscription",
    "invoices": "invoice",
    "invoiceitems": "invoiceitem",
    "payment_intents": "payment_intent",
    "charges": "charge",
    "refunds": "refund",
    "credit_notes": "credit_note",
    "events": "event",
    "webhook_endpoints": "webhook_endpoint",
    "test_helpers/test_clocks": clocks.KIND,
}


def _lister(kind: str, path: str) -> Call:
    return lambda ledger, _id, params: listed(ledger, kind, params, f"/v1/{path}")


def _reader(kind: str) -> Call:
    def read(ledger: Ledger, id_: str, _params: Params) -> Entity:
        # A deleted customer can be read: the answer says that it is deleted.
        found = ledger.get(kind, id_)
        if found is None:
            raise missing_object(kind, id_, "id")
        return found

    return read


def _lines(ledger: Ledger, id_: str, params: Params) -> Entity:
    rows = ledger.require("invoice", id_)["lines"]["data"]
    after, limit = text(params, "starting_after"), whole(params, "limit", INLINE)
    start = next((number for number, row in enumerate(rows, 1) if row["id"] == after), 0)
    end = start + limit
    return listing(f"/v1/invoices/{id_}/lines", rows[start:end], more=end < len(rows))


def _account(ledger: Ledger, _id: str, _params: Params) -> Entity:
    return {
        "id": ledger.identity["account_id"],
        "object": "account",
        "business_profile": {"name": ledger.account, "url": None},
        "charges_enabled": True,
        "country": "US",
        "default_currency": "usd",
        "details_submitted": True,
        "email": f"{ledger.account}@company.example",
        "payouts_enabled": True,
        "type": "standard",
    }


def _new(function: Callable[[Ledger, Params], Entity]) -> Call:
    return lambda ledger, _id, params: function(ledger, params)


def _alone(function: Callable[[Ledger, str], Entity]) -> Call:
    return lambda ledger, id_, _params: function(ledger, id_)


def _updater(kind: str) -> Call:
    return lambda ledger, id_, params: payments.update(ledger, kind, id_, params)


def _roll(ledger: Ledger, id_: str, params: Params) -> Entity:
    return hooks.roll(ledger, id_, whole(params, "expire_after_hours", 24))


CALLS: Mapping[tuple[str, str], Call] = {
    **{("GET", path): _lister(kind, path) for path, kind in COLLECTIONS.items()},
    **{("GET", f"{path}/{{id}}"): _reader(kind) for path, kind in COLLECTIONS.items()},
    ("GET", "account"): _account,
    ("POST", "customers"): _new(customers.create),
    ("POST", "customers/{id}"): customers.update,
    ("DELETE", "customers/{id}"): _alone(customers.delete),
    ("POST", "products"): _new(catalogue.create_product),
    ("POST", "products/{id}"): catalogue.update_product,
    ("DELETE", "products/{id}"): _alone(catalogue.delete_product),
    ("POST", "prices"): _new(catalogue.create_price),
    ("POST", "prices/{id}"): catalogue.update_price,
    ("POST", "subscriptions"): _new(subscriptions.create),
    ("POST", "subscriptions/{id}"): subscriptions.update,
    ("DELETE", "subscriptions/{id}"): subscriptions.cancel,
    ("POST", "invoices"): _new(invoices.create),
    ("POST", "invoices/{id}"): invoices.update,
    ("DELETE", "invoices/{id}"): _alone(invoices.delete),
    ("GET", "invoices/{id}/lines"): _lines,
    ("POST", "invoices/{id}/finalize"): _alone(invoices.finalize),
    ("POST", "invoices/{id}/pay"): invoices.pay,
    ("POST", "invoices/{id}/void"): _alone(invoices.void),
    ("POST", "invoices/{id}/mark_uncollectible"): _alone(invoices.uncollectible),
    ("POST", "invoices/{id}/send"): _alone(invoices.send),
    ("POST", "invoiceitems"): _new(items.create),
    ("DELETE", "invoiceitems/{id}"): _alone(items.delete),
    ("POST", "payment_intents"): _new(payments.create_intent),
    ("POST", "payment_intents/{id}"): _updater("payment_intent"),
    ("POST", "payment_intents/{id}/confirm"): payments.confirm,
    ("POST", "payment_intents/{id}/cancel"): payments.cancel,
    ("POST", "charges/{id}"): _updater("charge"),
    ("POST", "refunds"): _new(payments.refund),
    ("POST", "refunds/{id}"): _updater("refund"),
    ("POST", "credit_notes"): _new(credit_notes.create),
    ("POST", "credit_notes/{id}/void"): _alone(credit_notes.void),
    ("POST", "webhook_endpoints"): _new(hooks.create),
    ("POST", "webhook_endpoints/{id}"): hooks.update,
    ("DELETE", "webhook_endpoints/{id}"): _alone(hooks.delete),
    ("POST", "webhook_endpoints/{id}/roll_secret"): _roll,
    ("POST", "test_helpers/test_clocks"): _new(clocks.create),
    ("POST", "test_helpers/test_clocks/{id}/advance"): clocks.advance,
}


def shown(answer: Any) -> Any:
    """An answer without our own notes, in lists too."""
    if isinstance(answer, dict):
        inner = answer.get("data") if answer.get("object") == "list" else None
        visible = {name: value for name, value in answer.items() if not name.startswith("_")}
        lines = answer.get("lines") if answer.get("object") == "invoice" else None
        if lines is not None and len(lines["data"]) > INLINE:
            visible["lines"] = {**lines, "data": lines["data"][:INLINE], "has_more": True}
        return {**visible, "data": [shown(row) for row in inner]} if inner is not None else visible
    return answer
