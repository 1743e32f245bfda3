"""A shop with history: products, customers and orders, the same for the same seed."""

from decimal import Decimal
from random import Random

from connectors.sandbox.woocommerce import catalogue, customers, orders, refunds
from connectors.sandbox.woocommerce.shop import Shop
from connectors.sandbox.woocommerce.values import money

GIVEN = ("Ada", "Bruno", "Chen", "Dalia", "Emeka", "Freya", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena")
FAMILY = ("Abel", "Brandt", "Costa", "Diallo", "Eriksen", "Fontana", "Gupta", "Haas", "Ito", "Jansen", "Kim", "Lund")
CITIES = (("Berlin", "DE", "10115"), ("Reno", "US", "89501"), ("Lyon", "FR", "69001"))


def seed(shop: Shop, size: int, random: Random) -> dict[str, int]:
    """Make `size` customers with an order each, a product for every five; each tenth order is a guest's."""
    products = [
        catalogue.create(
            shop,
            {
                "name": f"Product {random.getrandbits(40):010x}",
                "sku": f"SKU-{random.getrandbits(40):010x}",
                "regular_price": money(Decimal(random.randrange(100, 100_000)) / 100),
                "manage_stock": True,
                "stock_quantity": random.randrange(10_000, 100_000),
            },
        )
        for _ in range(size // 5 + 1)
    ]
    refunded = 0
    for number in range(size):
        given, family, mark = random.choice(GIVEN), random.choice(FAMILY), f"{random.getrandbits(40):010x}"
        city, country, postcode = random.choice(CITIES)
        email = f"{given}.{family}.{mark}@customer.example".lower()
        person = {"first_name": given, "last_name": family, "email": email}
        place = {"address_1": "1 Main St", "city": city, "country": country, "postcode": postcode}
        customer = customers.create(shop, {**person, "billing": {**person, **place}})
        lines = [
            {"product_id": random.choice(products)["id"], "quantity": random.randrange(1, 5)}
            for _ in range(random.randrange(1, 4))
        ]
        guest, paid = number % 10 == 9, random.random() < 0.8  # noqa: PLR2004 - shares of a usual shop
        order = orders.create(
            shop,
            {
                "customer_id": 0 if guest else customer["id"],
                "billing": {**person, **place},
                "line_items": lines,
                "payment_method": "bacs",
                "set_paid": paid,
            },
        )
        if paid and random.random() < 0.05:  # noqa: PLR2004 - as above
            refunds.create(shop, order, {"amount": order["total"], "reason": "returned"})
            refunded += 1
    shop.changes.clear()  # history is not announced
    return {"customer": size, "product": len(products), "order": size, "refund": refunded}
