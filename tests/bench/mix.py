"""A tenant's inbox as it is on a working day: mostly updates of objects that are known, some new ones, some repeats."""

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.kafka.records import ConnectionChanged, VendorRecord
from connectors.wire import iso_micros

TENANT = "bench"
START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
UPDATED, NEW = 0.80, 0.15
KINDS = {"Account": 20, "Contact": 40, "Snapshot": 10, "Invoice": 20, "Payment": 10}
"""Objects of each hundred."""
PRODUCTS = 40
ORIGIN = {"Account": "poll", "Contact": "poll", "Snapshot": "fetch", "Invoice": "fetch", "Payment": "fetch"}

Body = dict[str, Any]


def connection() -> ConnectionChanged:
    """Return the tenant's connection to all vendors."""
    accounts = dict.fromkeys(("salesforce", "quickbooks", "pardot"), "1")
    rule = "rules: [{name: large, when: order.total > 1000.0, then: {discount_percent: '5'}}]"
    return ConnectionChanged(TENANT, 1, accounts, "America/New_York", "USD", {}, rule)


class Mix:
    """Vendors' objects and what happens to them; the same seed gives the same records.

    Args:
        dice: seeded.
    """

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._second = 0
        self._objects: dict[str, list[Body]] = {kind: [] for kind in KINDS}
        self._last: dict[tuple[str, str], VendorRecord] = {}

    def population(self, count: int) -> Iterator[VendorRecord]:
        """Yield so many new objects: what the tenant had before the measured day."""
        yield self._new("Account")  # nothing is sold to nobody
        for _ in range(count - 1):
            yield self._new(self._kind())

    def day(self, count: int) -> Iterator[VendorRecord]:
        """Yield so many records: 80 % updates, 15 % new objects, 5 % repeats of what was told last."""
        for _ in range(count):
            kind, chance = self._kind(), self._dice.random()
            if chance < NEW or not self._objects[kind]:
                yield self._new(kind)
                continue
            body = self._dice.choice(self._objects[kind])
            if chance < NEW + UPDATED:
                self._change(kind, body)
                yield self._record(kind, body)
            else:
                yield self._last[kind, _id(kind, body)]

    def _kind(self) -> str:
        return self._dice.choices(list(KINDS), list(KINDS.values()))[0]

    def _new(self, kind: str) -> VendorRecord:
        body: Body = getattr(self, f"_{kind.lower()}")(len(self._objects[kind]))
        self._objects[kind].append(body)
        return self._record(kind, body)

    def _record(self, kind: str, body: Body) -> VendorRecord:
        self._second += 1
        at = START + timedelta(seconds=self._second)
        salesforce = kind in ("Account", "Contact", "Snapshot")
        if salesforce:
            (body["Opportunity"] if kind == "Snapshot" else body)["SystemModstamp"] = at.isoformat()
            version = iso_micros(at)
        else:
            body["SyncToken"] = str(int(body["SyncToken"]) + 1)
            body["MetaData"] = {"CreateTime": START.isoformat(), "LastUpdatedTime": at.isoformat()}
            version = f"{iso_micros(at)}/{int(body['SyncToken']):010d}"
        record = VendorRecord(
            TENANT, "salesforce" if salesforce else "quickbooks",
            "OpportunitySnapshot" if kind == "Snapshot" else kind,
            _id(kind, body), version, ORIGIN[kind], json.dumps(body).encode(), at,
        )  # fmt: skip
        self._last[kind, record.remote_id] = record
        return record

    def _change(self, kind: str, body: Body) -> None:
        """Edit what people and machines edit: numbers, names, amounts, balances."""
        digits = self._dice.randrange(1000, 10000)
        if kind in ("Account", "Contact"):
            body["Phone"] = f"(415) 555-{digits}"
        elif kind == "Snapshot":
            self._dice.choice(body["Lines"])["UnitPrice"] = digits / 10
        elif kind == "Invoice":
            body["Balance"] = round(body["TotalAmt"] * self._dice.random(), 2)
        else:
            body["UnappliedAmt"] = round(body["TotalAmt"] * self._dice.random(), 2)

    def _account(self, number: int) -> Body:
        return {
            "Id": f"001{number:012d}", "Name": f"Company {number}, Inc.", "Phone": f"(415) 555-{1000 + number % 9000}",
            "Website": f"https://company{number}.example", "Industry": "Retail", "AccountSource": "Web",
            "BillingStreet": f"{number} Main St\nSuite 5", "BillingCity": "Springfield", "BillingState": "IL",
            "BillingPostalCode": "62701", "BillingCountry": "USA",
        }  # fmt: skip

    def _contact(self, number: int) -> Body:
        return {
            "Id": f"003{number:012d}", "FirstName": "Ann", "LastName": f"Lee {number}",
            "Email": f"ann.lee{number}@company{number // 2}.example", "AccountId": self._some("Account"),
            "Phone": f"(415) 555-{1000 + number % 9000}", "MobilePhone": None, "LeadSource": "Web",
            "HasOptedOutOfEmail": False, "MailingStreet": f"{number} Oak St", "MailingCity": "Springfield",
            "MailingState": "IL", "MailingPostalCode": "62701", "MailingCountry": "USA",
        }  # fmt: skip

    def _snapshot(self, number: int) -> Body:
        opportunity = {
            "Id": f"006{number:012d}", "Name": f"Rollout {number}", "AccountId": self._some("Account"),
            "Amount": 1250.5, "CloseDate": "2026-03-02", "LeadSource": "Web", "Type": None,
            "IsWon": True, "IsClosed": True,
        }  # fmt: skip
        account = next((a for a in self._objects["Account"] if a["Id"] == opportunity["AccountId"]), None)
        contact = self._dice.choice(self._objects["Contact"]) if self._objects["Contact"] else None
        roles = (
            [{"Id": f"00K{number}", "ContactId": contact["Id"], "IsPrimary": True, "Contact": contact}]
            if contact
            else []
        )
        lines = [_line(number, n, self._dice.randrange(PRODUCTS)) for n in range(2)]
        return {"Opportunity": opportunity, "Account": account, "Lines": lines, "ContactRoles": roles}

    def _invoice(self, number: int) -> Body:
        total = self._dice.randrange(10_000, 500_000) / 100
        return {
            "Id": str(10_000 + number), "SyncToken": "0", "DocNumber": str(1000 + number), "TxnDate": "2026-03-01",
            "DueDate": "2026-03-31", "TotalAmt": total, "Balance": total, "PrivateNote": "Rollout",
            "CustomerRef": {"value": str(self._dice.randrange(200))}, "CurrencyRef": {"value": "USD"},
        }  # fmt: skip

    def _payment(self, number: int) -> Body:
        total = self._dice.randrange(10_000, 500_000) / 100
        invoice = self._some("Invoice")
        linked = [{"Amount": total, "LinkedTxn": [{"TxnId": invoice, "TxnType": "Invoice"}]}] if invoice else []
        return {
            "Id": str(500_000 + number), "SyncToken": "0", "TotalAmt": total, "UnappliedAmt": 0, "Line": linked,
            "TxnDate": "2026-03-02", "CustomerRef": {"value": str(self._dice.randrange(200))},
            "CurrencyRef": {"value": "USD"},
        }  # fmt: skip

    def _some(self, kind: str) -> str | None:
        return self._dice.choice(self._objects[kind])["Id"] if self._objects[kind] else None


def _id(kind: str, body: Mapping[str, Any]) -> str:
    return str((body["Opportunity"] if kind == "Snapshot" else body)["Id"])


def _line(opportunity: int, number: int, product: int) -> Body:
    of = {
        "Id": f"01t{product:012d}", "SystemModstamp": START.isoformat(), "Name": f"Widget {product}",
        "ProductCode": f"W-{product}", "IsActive": True,
    }  # fmt: skip
    return {
        "Id": f"00k{opportunity}-{number}", "Quantity": 2.0, "UnitPrice": 500.25, "Description": None,
        "ServiceDate": None, "Product2Id": of["Id"], "Product2": of,
    }  # fmt: skip
