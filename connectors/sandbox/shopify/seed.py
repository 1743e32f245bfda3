"""A shop with history: products, customers with orders, carts left behind; the same for the same seed.

Every row is made through what mutations use, at the moment of its own past, and nobody is told.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from connectors.sandbox.shopify import checkouts, customers, inventory, orders, products
from connectors.sandbox.shopify.shop import Row, Shop, stamp

GIVEN = ("Ada", "Bruno", "Chen", "Dalia", "Emeka", "Freya", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena")
FAMILY = ("Abel", "Brandt", "Costa", "Diallo", "Eriksen", "Fontana", "Gupta", "Haas", "Ito", "Jansen", "Kim", "Lund")
BEGAN = datetime(2025, 1, 1, tzinfo=UTC)
PRODUCTS_MOST = 200


def seed(shop: Shop, size: int, random: Random) -> dict[str, int]:
    """Make `size` customers, an order for every second and an abandoned checkout for every tenth of them."""
    past = replace(shop, moment=stamp(BEGAN))
    made = {"Customer": size, "Product": min(size // 5 + 1, PRODUCTS_MOST), "Order": 0, "AbandonedCheckout": 0}
    variants = [_variant(past, random) for _ in range(made["Product"])]
    for index in range(size):
        past = replace(past, moment=stamp(BEGAN + timedelta(minutes=index)))
        customer = _customer(past, random)
        if index % 2 == 0:
            sent: Row = {"customer_id": str(customer["id"]), "line_items": _lines(variants, random)}
            orders.create(past, {**sent, "financial_status": random.choice(("PAID", "PENDING"))})
            made["Order"] += 1
        elif index % 10 == 1:
            checkouts.create(past, {"email": customer["email"], "line_items": _lines(variants, random)})
            made["AbandonedCheckout"] += 1
    return made


def _lines(variants: list[Row], random: Random) -> list[Row]:
    return [
        {"variant_id": str(random.choice(variants)["id"]), "quantity": random.randrange(1, 5)}
        for _ in range(random.randrange(1, 4))
    ]


def _variant(shop: Shop, random: Random) -> Row:
    mark = f"{random.getrandbits(40):010x}"
    product = products.create(shop, {"title": f"Product {mark}"})
    [variant] = products.variants(shop, product)
    item = {"sku": f"SKU-{mark}", "cost": f"{random.randrange(100, 5000) / 100:.2f}"}
    row = {"id": str(variant["id"]), "price": f"{random.randrange(500, 20000) / 100:.2f}", "inventory_item": item}
    [changed] = products.change_variants(shop, product, [row])
    level = shop.find("InventoryLevel", "_item", str(changed["inventory_item_id"]))[0]
    inventory.move(shop, level, random.randrange(1000))
    return changed


def _customer(shop: Shop, random: Random) -> Row:
    given, family, mark = random.choice(GIVEN), random.choice(FAMILY), f"{random.getrandbits(40):010x}"
    address = {"address1": f"{random.randrange(1, 200)} Main St", "city": "Reno", "country_code": "US", "zip": "89501"}
    email = f"{given}.{family}.{mark}@customer.example".lower()
    return customers.create(shop, {"first_name": given, "last_name": family, "email": email, "addresses": [address]})
