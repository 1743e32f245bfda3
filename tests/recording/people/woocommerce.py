"""A shopkeeper and a buyer: a product, a customer, an order that is paid, changed and partly given back."""

from collections.abc import AsyncIterator
from typing import Any

from tests.recording.buyers import Buyer
from tests.recording.company import TENANT, Site


async def act(site: Site, buyer: Buyer) -> AsyncIterator[None]:
    """Do one thing after the other."""
    lamp = {"name": f"Lamp {buyer.number}", "sku": f"LAMP-{buyer.number}", "regular_price": buyer.cents(10, 200)}
    product = await _call(site, "POST", "products", {**lamp, "manage_stock": True, "stock_quantity": 50})
    person = {"first_name": buyer.given, "last_name": buyer.family, "email": buyer.email}
    place = {"company": buyer.company, "address_1": buyer.street, "city": buyer.town, "state": buyer.state}
    billing = {**person, **place, "postcode": buyer.zip, "country": "US", "phone": buyer.phone}
    customer = await _call(site, "POST", "customers", {**person, "billing": billing})
    if buyer.number == 1:
        await _variable(site)
    yield
    order = await _call(
        site,
        "POST",
        "orders",
        {
            "customer_id": customer["id"],
            "billing": billing,
            "line_items": [{"product_id": product["id"], "quantity": 2}],
            "shipping_lines": [{"method_id": "flat_rate", "method_title": "Flat rate", "total": "5.00"}],
            "payment_method": "bacs",
        },
    )
    path = f"orders/{order['id']}"
    yield
    await _call(site, "PUT", path, {"set_paid": True, "transaction_id": f"t{buyer.number}"})
    yield
    await _call(site, "PUT", path, {"customer_note": "Please ring twice"})
    yield
    if buyer.number % 3 == 1:
        line = {"id": order["line_items"][0]["id"], "quantity": 1, "refund_total": lamp["regular_price"]}
        await _call(site, "POST", f"{path}/refunds", {"reason": "Broken", "line_items": [line]})
        yield
    await _cart(site, buyer, product["id"])
    yield
    await _call(site, "PUT", f"customers/{customer['id']}", {"billing": {**billing, "address_2": "Suite 5"}})
    await _call(site, "PUT", f"products/{product['id']}", {"description": "It shines.", "stock_quantity": 40})


async def tidy(site: Site, other: Buyer, third: Buyer) -> AsyncIterator[None]:
    """Delete a customer and a product for good; put orders into the trash, and take one of them back."""
    person = {"first_name": third.given, "last_name": third.family, "email": third.email}
    customer = await _call(site, "POST", "customers", person)
    product = await _call(site, "POST", "products", {"name": f"Vase {other.number}", "regular_price": "9.00"})
    guest = {"first_name": other.given, "last_name": other.family, "email": other.email, "country": "US"}
    line = {"product_id": product["id"], "quantity": 1}
    wanted = {"billing": guest, "line_items": [line], "payment_method": "bacs"}
    kept, binned = [await _call(site, "POST", "orders", wanted) for _ in range(2)]
    yield
    for order in (kept, binned):
        await _delete(site, f"orders/{order['id']}")
    yield
    await _call(site, "PUT", f"orders/{kept['id']}", {"status": "pending"})
    await _delete(site, f"customers/{customer['id']}", force="true", reassign="0")
    yield
    await _call(site, "PUT", f"orders/{kept['id']}", {"customer_note": "After all"})
    await _delete(site, f"products/{product['id']}", force="true")


async def _cart(site: Site, buyer: Buyer, product: int) -> None:
    """Begin to check out, and leave it at that."""
    store = f"/{TENANT}/wp-json/wc/store/v1"
    mine = {"Cart-Token": f"cart-of-{buyer.number}"}
    await site.call("POST", f"{store}/cart/add-item", headers=mine, json={"id": product, "quantity": 1})
    who = {"billing_address": {"email": buyer.email, "first_name": buyer.given, "last_name": buyer.family}}
    await site.call("POST", f"{store}/cart/update-customer", headers=mine, json=who)
    await site.call("GET", f"{store}/checkout", headers=mine)


async def _variable(site: Site) -> None:
    """Make a product whose sizes and colours are sold apart."""
    shirt = await _call(site, "POST", "products", {"name": "Shirt", "type": "variable"})
    red = {"regular_price": "9.00", "sku": "SHIRT-RED", "attributes": [{"name": "Colour", "option": "Red"}]}
    await _call(site, "POST", f"products/{shirt['id']}/variations", {**red, "manage_stock": True, "stock_quantity": 3})


async def _call(site: Site, method: str, path: str, body: Any) -> Any:
    address, given = _signed(site, path)
    return await site.call(method, address, **given, json=body)


async def _delete(site: Site, path: str, **how: str) -> None:
    address, given = _signed(site, path, **how)
    await site.call("DELETE", address, **given)


def _signed(site: Site, path: str, **more: str) -> tuple[str, dict[str, Any]]:
    known = {name: site.credentials[name] for name in ("consumer_key", "consumer_secret")}
    address = f"{site.credentials['https_url']}/wp-json/wc/v3/{path}"
    return address, {"headers": {}, "params": {**known, **more}}
