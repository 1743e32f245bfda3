"""A company with history: customers, items, invoices and payments, the same for the same seed.

The first object of each kind is written as a caller would write it; the others are copies with names, amounts and
links of their own, stored as all writes together would have left them. So a hundred thousand take minutes, not hours.
"""

from decimal import Decimal
from random import Random
from typing import Any

from connectors.sandbox.quickbooks.company import ZERO, Company, Entity, cents
from connectors.sandbox.quickbooks.kinds import KINDS
from connectors.sandbox.quickbooks.sales import FIRST_DOC_NUMBER
from connectors.sandbox.quickbooks.writes import write

GIVEN = ("Ada", "Bruno", "Chen", "Dalia", "Emeka", "Freya", "Goran", "Hana", "Ivo", "Jun", "Kofi", "Lena")
FAMILY = ("Abel", "Brandt", "Costa", "Diallo", "Eriksen", "Fontana", "Gupta", "Haas", "Ito", "Jansen", "Kim", "Lund")


def seed(company: Company, size: int, random: Random) -> dict[str, int]:
    """Make `size` customers with an invoice each, half of them paid; an item for every five customers."""
    maker = _Maker(company, random)
    items = [maker.item() for _ in range(size // 5 + 1)]
    for _ in range(size):
        paid = random.random() < 0.5  # noqa: PLR2004 - every other
        lines = [maker.line(random.choice(items), random.randrange(1, 10)) for _ in range(random.randrange(1, 4))]
        total = cents(sum((line["Amount"] for line in lines), ZERO))
        customer = maker.customer()
        invoice = maker.invoice(customer, lines, total)
        if paid:
            maker.payment(customer, invoice)
        company.changes.clear()
    return {"Customer": size, "Item": len(items), "Invoice": size, "Payment": maker.payments}


class _Maker:
    def __init__(self, company: Company, random: Random) -> None:
        self._company = company
        self._random = random
        self._patterns: dict[str, Entity] = {}
        self.payments = 0

    def item(self) -> Entity:
        name = f"Item {self._random.getrandbits(40):010x}"
        price = cents(Decimal(self._random.randrange(100, 100_000)) / 100)
        sent = {"Name": name, "UnitPrice": price, "IncomeAccountRef": {"value": "1"}}
        return self._made("Item", sent, {"FullyQualifiedName": name})

    def customer(self) -> Entity:
        given, family = self._random.choice(GIVEN), self._random.choice(FAMILY)
        mark = f"{self._random.getrandbits(40):010x}"
        name = f"{given} {family} {mark}"
        email = {"Address": f"{given}.{family}.{mark}@customer.example".lower()}
        sent = {"GivenName": given, "FamilyName": family, "DisplayName": name, "PrimaryEmailAddr": email}
        computed = {"FullyQualifiedName": name, "PrintOnCheckName": name}
        return self._made("Customer", sent, computed)

    def line(self, item: Entity, quantity: int) -> Entity:
        price = Decimal(item["UnitPrice"])
        ref = {"value": item["Id"], "name": item["Name"]}
        detail = {"ItemRef": ref, "Qty": Decimal(quantity), "UnitPrice": price, "TaxCodeRef": {"value": "NON"}}
        return {
            "Amount": cents(price * quantity),
            "DetailType": "SalesItemLineDetail",
            "SalesItemLineDetail": detail,
        }

    def invoice(self, customer: Entity, lines: list[Entity], total: Decimal) -> Entity:
        numbered = [{**line, "Id": str(n), "LineNum": n} for n, line in enumerate(lines, start=1)]
        subtotal = {"Amount": total, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}}
        computed = {
            "CustomerRef": _ref(customer),
            "Line": [*numbered, subtotal],
            "TotalAmt": total,
            "Balance": total,
            "BillEmail": dict(customer["PrimaryEmailAddr"]),
        }
        if "Invoice" in self._patterns:
            number = self._company.ctx.database.next(self._company.account, "doc number", FIRST_DOC_NUMBER)
            computed["DocNumber"] = str(number)
        return self._made("Invoice", {"CustomerRef": {"value": customer["Id"]}, "Line": lines}, computed)

    def payment(self, customer: Entity, invoice: Entity) -> None:
        self.payments += 1
        line = {"Amount": invoice["TotalAmt"], "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
        sent = {"CustomerRef": _ref(customer), "TotalAmt": invoice["TotalAmt"], "Line": [line]}
        made = self._made("Payment", sent, {})
        paid = {**invoice, "Balance": ZERO, "LinkedTxn": [{"TxnId": made["Id"], "TxnType": "Payment"}]}
        self._company.put_quietly(KINDS["Invoice"], {**paid, "SyncToken": "1"})

    def _made(self, kind: str, sent: Entity, computed: dict[str, Any]) -> Entity:
        """Write the first of its kind, and copy it with what is sent and what the server would compute."""
        pattern = self._patterns.get(kind)
        if pattern is None:
            made = write(self._company, KINDS[kind], sent)
            self._patterns[kind] = made
            return made
        return self._company.insert(KINDS[kind], {**pattern, **sent, **computed})


def _ref(customer: Entity) -> Entity:
    return {"value": customer["Id"], "name": customer["DisplayName"]}
