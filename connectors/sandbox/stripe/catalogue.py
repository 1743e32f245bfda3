"""Products and prices."""

from decimal import Decimal, InvalidOperation

from connectors.sandbox.stripe.errors import StripeError, missing_param
from connectors.sandbox.stripe.forms import Params, metadata, required, text, truth, whole
from connectors.sandbox.stripe.ledger import Entity, Ledger

INTERVALS = ("day", "week", "month", "year")


def create_product(ledger: Ledger, params: Params) -> Entity:
    """Make a product, with a default price where one is described."""
    now = ledger.now()
    product: Entity = {
        "id": text(params, "id") or ledger.new_id("product"),
        "object": "product",
        "active": truth(params, "active", default=True),
        "created": now,
        "default_price": None,
        "description": text(params, "description"),
        "images": params.get("images") or [],
        "livemode": False,
        "marketing_features": [],
        "metadata": metadata({}, params),
        "name": required(params, "name"),
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": text(params, "statement_descriptor"),
        "tax_code": text(params, "tax_code"),
        "type": "service",
        "unit_label": text(params, "unit_label"),
        "updated": now,
        "url": text(params, "url"),
    }
    ledger.put("product", product)
    if isinstance(params.get("default_price_data"), dict):
        price = create_price(ledger, {**params["default_price_data"], "product": product["id"]})
        product = ledger.put("product", {**product, "default_price": price["id"]})
    ledger.announce("product.created", product)
    return product


def update_product(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Change a product."""
    before = ledger.require("product", id_)
    names = ("name", "description", "default_price", "statement_descriptor", "tax_code", "unit_label", "url")
    after = {**before, **{name: text(params, name) for name in names if name in params}}
    after |= {
        "active": truth(params, "active", default=before["active"]),
        "metadata": metadata(before["metadata"], params),
        "updated": ledger.now(),
    }
    return ledger.changed("product", "product.updated", before, after)


def delete_product(ledger: Ledger, id_: str) -> Entity:
    """Delete a product; one with prices stays."""
    product = ledger.require("product", id_)
    if ledger.find("price", "product", id_):
        message = "This product cannot be deleted because it has one or more user-created prices."
        raise StripeError(message)
    ledger.ctx.database.remove(ledger.account, "product", id_)
    ledger.announce("product.deleted", product)
    return {"id": id_, "object": "product", "deleted": True}


def create_price(ledger: Ledger, params: Params) -> Entity:
    """Make a price of a product, or of one described beside it."""
    if isinstance(params.get("product_data"), dict):
        product = create_product(ledger, params["product_data"])["id"]
    else:
        product = ledger.referred("product", required(params, "product"), "product")["id"]
    unit, exact = _amounts(params)
    recurring = _recurring(params)
    price: Entity = {
        "id": ledger.new_id("price"),
        "object": "price",
        "active": truth(params, "active", default=True),
        "billing_scheme": "per_unit",
        "created": ledger.now(),
        "currency": required(params, "currency").lower(),
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": text(params, "lookup_key"),
        "metadata": metadata({}, params),
        "nickname": text(params, "nickname"),
        "product": product,
        "recurring": recurring,
        "tax_behavior": text(params, "tax_behavior") or "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": unit,
        "unit_amount_decimal": exact,
    }
    ledger.put("price", price)
    ledger.announce("price.created", price)
    return price


def update_price(ledger: Ledger, id_: str, params: Params) -> Entity:
    """Change what may change of a price; its amount never does."""
    before = ledger.require("price", id_)
    after: Entity = before | {name: text(params, name) for name in ("nickname", "lookup_key") if name in params}
    after |= {
        "active": truth(params, "active", default=before["active"]),
        "metadata": metadata(before["metadata"], params),
    }
    return ledger.changed("price", "price.updated", before, after)


def _amounts(params: Params) -> tuple[int | None, str]:
    if "unit_amount_decimal" in params:
        try:
            exact = Decimal(str(params["unit_amount_decimal"]))
        except InvalidOperation:
            raise StripeError("Invalid decimal", param="unit_amount_decimal") from None
        return (int(exact) if exact == exact.to_integral_value() else None), str(params["unit_amount_decimal"])
    if "unit_amount" not in params:
        raise missing_param("unit_amount")
    unit = whole(params, "unit_amount")
    return unit, str(unit)


def _recurring(params: Params) -> Entity | None:
    sent = params.get("recurring")
    if not isinstance(sent, dict):
        return None
    if sent.get("interval") not in INTERVALS:
        raise StripeError("Invalid recurring[interval]: must be one of day, week, month, or year", param="recurring")
    return {
        "interval": sent["interval"],
        "interval_count": whole(sent, "interval_count", 1),
        "meter": None,
        "trial_period_days": whole(sent, "trial_period_days", 0) or None,
        "usage_type": "licensed",
    }
