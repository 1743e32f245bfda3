"""Lines of invoices and what they come to."""

from typing import Any

from connectors.sandbox.stripe.ledger import Entity, Ledger


def with_lines(invoice: Entity, lines: list[Entity]) -> Entity:
    """The invoice with these lines and what they come to."""
    total = sum(line["amount"] for line in lines)
    return {
        **invoice,
        "lines": {**invoice["lines"], "data": lines, "total_count": len(lines)},
        **dict.fromkeys(("subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax"), total),
        **dict.fromkeys(("amount_due", "amount_remaining"), max(total, 0)),
    }


def line(ledger: Ledger, invoice: str, price: Entity, quantity: int, **more: Any) -> Entity:
    """A line that bills a price."""
    amount = (price["unit_amount"] or 0) * quantity
    return {
        "id": ledger.new_id("line_item"),
        "object": "line_item",
        "amount": amount,
        "currency": price["currency"],
        "description": None,
        "discount_amounts": [],
        "discountable": True,
        "invoice": invoice,
        "livemode": False,
        "metadata": {},
        "parent": None,
        "period": {"start": ledger.now(), "end": ledger.now()},
        "pretax_credit_amounts": [],
        "pricing": pricing(price, amount),
        "quantity": quantity,
        "subtotal": amount,
        "taxes": [],
        **more,
    }


def line_of(ledger: Ledger, invoice: str, item: Entity) -> Entity:
    """The line of an invoice item."""
    parent = {"type": "invoice_item_details", "invoice_item_details": {"invoice_item": item["id"]}}
    priced = {"unit_amount": item["amount"], "currency": item["currency"]}
    made = line(ledger, invoice, priced | {"id": None, "product": None}, 1)
    kept = {name: item[name] for name in ("description", "metadata", "period", "pricing", "quantity")}
    return {**made, **kept, "parent": parent}


def pricing(price: Entity | None, amount: int) -> Entity:
    """What a line or item says of its price."""
    if price is None or price.get("id") is None:
        return {"type": "price_details", "price_details": None, "unit_amount_decimal": str(amount)}
    details = {"price": price["id"], "product": price["product"]}
    return {"type": "price_details", "price_details": details, "unit_amount_decimal": price["unit_amount_decimal"]}
