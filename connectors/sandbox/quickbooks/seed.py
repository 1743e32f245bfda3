"""A company with history: customers, items, invoices and payments, the same for the same seed."""

from decimal import Decimal
from random import Random

from connectors.sandbox.quickbooks.company import Company, cents
from connectors.sandbox.quickbooks.kinds import KINDS
from connectors.sandbox.quickbooks.writes import write

GIVEN = ("Ada", "Bruno", "Chen", "Dalia", "Emeka", "Freya", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena")
FAMILY = ("Abel", "Brandt", "Costa", "Diallo", "Eriksen", "Fontana", "Gupta", "Haas", "Ito", "Jansen", "Kim", "Lund")


def seed(company: Company, size: int, random: Random) -> dict[str, int]:
    """Make `size` customers with an invoice each, half of them paid; an item for every five customers."""
    items = [
        write(
            company,
            KINDS["Item"],
            {
                "Name": f"Item {random.getrandbits(40):010x}",
                "UnitPrice": cents(Decimal(random.randrange(100, 100_000)) / 100),
                "IncomeAccountRef": {"value": "1"},
            },
        )
        for _ in range(size // 5 + 1)
    ]
    payments = 0
    for _ in range(size):
        given, family, mark = random.choice(GIVEN), random.choice(FAMILY), f"{random.getrandbits(40):010x}"
        customer = write(
            company,
            KINDS["Customer"],
            {
                "GivenName": given,
                "FamilyName": family,
                "DisplayName": f"{given} {family} {mark}",
                "PrimaryEmailAddr": {"Address": f"{given}.{family}.{mark}@customer.example".lower()},
            },
        )
        lines = [_line(random.choice(items), random.randrange(1, 10)) for _ in range(random.randrange(1, 4))]
        ref = {"value": customer["Id"]}
        invoice = write(company, KINDS["Invoice"], {"CustomerRef": ref, "Line": lines})
        if random.random() < 0.5:  # noqa: PLR2004 - every other
            link = {"TxnId": invoice["Id"], "TxnType": "Invoice"}
            line = {"Amount": invoice["TotalAmt"], "LinkedTxn": [link]}
            body = {"CustomerRef": ref, "TotalAmt": invoice["TotalAmt"], "Line": [line]}
            write(company, KINDS["Payment"], body)
            payments += 1
    return {"Customer": size, "Item": len(items), "Invoice": size, "Payment": payments}


def _line(item: dict[str, object], quantity: int) -> dict[str, object]:
    price = Decimal(str(item["UnitPrice"]))
    detail = {"ItemRef": {"value": item["Id"]}, "Qty": quantity, "UnitPrice": price}
    return {"Amount": cents(price * quantity), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}
