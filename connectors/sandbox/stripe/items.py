"""Invoice items: for a draft, or pending until the customer's next invoice."""

from connectors.sandbox.stripe.errors import StripeError, missing_param
from connectors.sandbox.stripe.forms import Params, metadata, required, text, whole
from connectors.sandbox.stripe.invoices import require_in
from connectors.sandbox.stripe.ledger import Entity, Ledger
from connectors.sandbox.stripe.lines import line_of, pricing, with_lines


def create(ledger: Ledger, params: Params) -> Entity:
    """Make an invoice item: for a draft, or pending until the customer's next invoice."""
    customer = ledger.referred("customer", required(params, "customer"), "customer")
    currency, amount, quantity, price = _worth(ledger, params)
    item: Entity = {
        "id": ledger.new_id("invoiceitem"),
        "object": "invoiceitem",
        "amount": amount,
        "currency": currency,
        "customer": customer["id"],
        "date": ledger.now(),
        "description": text(params, "description"),
        "discountable": True,
        "invoice": text(params, "invoice"),
        "livemode": False,
        "metadata": metadata({}, params),
        "period": {"start": ledger.now(), "end": ledger.now()},
        "pricing": pricing(price, amount),
        "proration": False,
        "quantity": quantity,
    }
    if customer["currency"] is None:
        ledger.put("customer", {**customer, "currency": currency})
    ledger.put("invoiceitem", item)
    ledger.announce("invoiceitem.created", item)
    if item["invoice"]:
        invoice = require_in(ledger, item["invoice"], "draft", "The invoice is not a draft.")
        lines = [*invoice["lines"]["data"], line_of(ledger, invoice["id"], item)]
        ledger.changed("invoice", "invoice.updated", invoice, with_lines(invoice, lines))
    return item


def delete(ledger: Ledger, id_: str) -> Entity:
    """Delete a pending item."""
    item = ledger.require("invoiceitem", id_)
    if item["invoice"]:
        raise StripeError("This invoice item is attached to an invoice.", code="invoice_not_editable")
    ledger.ctx.database.remove(ledger.account, "invoiceitem", id_)
    ledger.announce("invoiceitem.deleted", item)
    return {"id": id_, "object": "invoiceitem", "deleted": True}


def _worth(ledger: Ledger, params: Params) -> tuple[str, int, int, Entity | None]:
    quantity = whole(params, "quantity", 1)
    named = params.get("pricing", {}).get("price") if isinstance(params.get("pricing"), dict) else params.get("price")
    if named:
        price = ledger.referred("price", str(named), "price")
        return price["currency"], (price["unit_amount"] or 0) * quantity, quantity, price
    if "amount" not in params:
        raise missing_param("amount")
    return (text(params, "currency") or "usd").lower(), whole(params, "amount"), quantity, None
