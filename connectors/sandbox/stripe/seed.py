"""An account with history: customers with invoices, half of them subscribers; the same for the same seed."""

from random import Random

from connectors.sandbox.stripe import catalogue, customers, invoices, items, subscriptions
from connectors.sandbox.stripe.ledger import Ledger

GIVEN = ("Ada", "Bruno", "Chen", "Dalia", "Emeka", "Freya", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena")
FAMILY = ("Abel", "Brandt", "Costa", "Diallo", "Eriksen", "Fontana", "Gupta", "Haas", "Ito", "Jansen", "Kim", "Lund")
PLANS = (("Basic", "1900"), ("Team", "4900"), ("Business", "19900"))


def seed(ledger: Ledger, size: int, random: Random, *, bills: bool) -> dict[str, int]:
    """Make `size` customers; with `bills` every second one subscribes, the others get one invoice."""
    prices = []
    for name, amount in PLANS:
        product = catalogue.create_product(ledger, {"name": name})["id"]
        sent = {"product": product, "currency": "usd", "unit_amount": amount, "recurring": {"interval": "month"}}
        prices.append(catalogue.create_price(ledger, sent)["id"])
    for number in range(size):
        given, family, mark = random.choice(GIVEN), random.choice(FAMILY), f"{random.getrandbits(40):010x}"
        email = f"{given}.{family}.{mark}@customer.example".lower()
        person = {"name": f"{given} {family}", "email": email, "payment_method": "pm_card_visa"}
        customer = customers.create(ledger, person)["id"]
        if not bills:
            pass
        elif number % 2 == 0:
            chosen = [{"price": random.choice(prices), "quantity": str(random.randrange(1, 20))}]
            subscriptions.create(ledger, {"customer": customer, "items": chosen})
        else:
            amount = str(random.randrange(1000, 100_000))
            items.create(ledger, {"customer": customer, "amount": amount, "currency": "usd"})
            made = invoices.create(ledger, {"customer": customer, "pending_invoice_items_behavior": "include"})
            invoices.finalize(ledger, made["id"])
            if random.random() < 0.5:  # noqa: PLR2004 - every other
                invoices.pay(ledger, made["id"], {})
        ledger.events.clear()  # history is not sent
    return {
        "customer": size,
        "product": len(PLANS),
        "price": len(PLANS),
        "invoice": size if bills else 0,
        "subscription": -(-size // 2) if bills else 0,
    }
