"""A state in memory, a tenant on its way through the pipeline, and the records of a small company."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from connectors.kafka.records import Command, ConnectionChanged, Decision, Request, Tick, VendorRecord, VendorResult
from connectors.kafka.topics import COMMAND
from streams.stages.pipeline import Emit, Pipeline

TENANT = "acme"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
Value = VendorRecord | VendorResult | ConnectionChanged | Request | Decision | Tick
ALL = ("salesforce", "quickbooks", "pardot")


class MemoryState:
    """Rows in a dictionary."""

    def __init__(self) -> None:
        self.rows: dict[bytes, bytes] = {}

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        return self.rows.get(key)

    def put(self, key: bytes, value: bytes | None) -> None:
        """Set or remove a row."""
        if value is None:
            self.rows.pop(key, None)
        else:
            self.rows[key] = value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the rows below a prefix, in key order."""
        return iter([(key, self.rows[key]) for key in sorted(self.rows) if key.startswith(prefix)])


class Company:
    """One tenant: records in, what was emitted out."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.state = MemoryState()
        self.emits: list[Emit] = []
        self.taken: list[Value] = []

    def take(self, value: Value) -> list[Command]:
        """Process one record and return its commands; a failing one leaves no rows."""
        rows = dict(self.state.rows)
        self.taken.append(value)
        try:
            found = self.pipeline.process(value, self.state, f"inbox.v1/0/{len(self.taken)}")
        except Exception:
            self.state.rows = rows
            raise
        self.emits += found
        return [e.value for e in found if e.topic is COMMAND and isinstance(e.value, Command)]

    def record(self, vendor: str, kind: str, body: Mapping[str, Any], version: str, **more: Any) -> list[Command]:
        """Take in a vendor's record; its id is the body's."""
        remote_id = more.pop("remote_id", None) or str(body.get("Id") or body.get("id"))
        raw = json.dumps(body).encode()
        return self.take(VendorRecord(TENANT, vendor, kind, remote_id, version, "poll", raw, AT, **more))

    def result(self, command: Command, remote_id: str, body: Mapping[str, Any]) -> list[Command]:
        """Take in a vendor's answer to a command."""
        about = (command.vendor, command.object, command.object_key, command.operation, command.version)
        return self.take(VendorResult(TENANT, *about, remote_id, json.dumps(body).encode(), AT))

    def connect(
        self,
        *vendors: str,
        revision: int = 1,
        rules: str = "",
        mappings: Mapping[str, str] | None = None,
        zone: str = "America/New_York",
    ) -> list[Command]:
        """Connect the tenant; to all vendors if none is named."""
        accounts = dict.fromkeys(vendors or ALL, "1")
        return self.take(ConnectionChanged(TENANT, revision, accounts, zone, "USD", mappings or {}, rules))

    def latest(self, entity: str) -> dict[str, Any]:
        """Return the last state of each canonical record of an entity, by id; None for a tombstone."""
        return {e.key: e.value for e in self.emits if e.topic.name == f"canonical.{entity}.v1"}

    def only(self, entity: str) -> dict[str, Any]:
        """Return the one record of an entity that there is."""
        (found,) = (value for value in self.latest(entity).values() if value is not None)
        return dict(found)

    def party(self, name: str) -> dict[str, Any]:
        """Return the party of a name."""
        (found,) = (value for value in self.latest("party").values() if value is not None and value["name"] == name)
        return dict(found)


def body(command: Command) -> Any:
    """Return a command's body, numbers exact."""
    return json.loads(command.body, parse_float=Decimal)


def of(commands: Sequence[Command], vendor: str, kind: str) -> Command:
    """Return the one command for a vendor's object type."""
    (found,) = (c for c in commands if (c.vendor, c.object) == (vendor, kind))
    return found


def at(second: int) -> str:
    """Return a Salesforce or Pardot version."""
    return f"2026-03-01T10:00:{second:02d}.000000Z"


def stamp(second: int) -> str:
    """Return the same as Salesforce writes it."""
    return f"2026-03-01T10:00:{second:02d}.000+0000"


def opportunity(second: int = 1, **more: Any) -> dict[str, Any]:
    """Return a won opportunity."""
    return {
        "Id": "006A", "SystemModstamp": stamp(second), "Name": "Rollout", "AccountId": "001A", "Amount": 1250.5,
        "CloseDate": "2026-02-28", "LeadSource": "Web", "Type": None, "IsWon": True, "IsClosed": True, **more,
    }  # fmt: skip


ACCOUNT = {
    "Id": "001A", "SystemModstamp": stamp(0), "Name": "Acme, Inc.", "Phone": "(415) 555-2671", "Website": None,
    "Industry": "Retail", "BillingStreet": "1 Main St\nSuite 5", "BillingCity": "Springfield", "BillingState": "IL",
    "BillingPostalCode": "62701", "BillingCountry": "USA",
}  # fmt: skip
CONTACT = {
    "Id": "003A", "SystemModstamp": stamp(0), "FirstName": "Ann", "LastName": "Lee", "Email": "Ann@Acme.example",
    "AccountId": "001A", "Phone": None, "MobilePhone": None, "HasOptedOutOfEmail": False,
}  # fmt: skip
LINES = [
    {
        "Id": "00kA", "Quantity": 2.0, "UnitPrice": 500.25, "Description": None, "ServiceDate": None,
        "Product2Id": "01tA", "Product2": {"Id": "01tA", "Name": "Widget", "ProductCode": "W-1", "IsActive": True},
    },
    {
        "Id": "00kB", "Quantity": 1.0, "UnitPrice": 250, "Description": "Set-up", "ServiceDate": None,
        "Product2Id": "01tB", "Product2": {"Id": "01tB", "Name": "Setup", "ProductCode": "S-1", "IsActive": True},
    },
]  # fmt: skip


def snapshot(second: int = 1, **more: Any) -> dict[str, Any]:
    """Return the snapshot of a won opportunity."""
    role = {"Id": "00KA", "ContactId": "003A", "IsPrimary": True, "Role": "Decision Maker", "Contact": CONTACT}
    parts = {"Opportunity": opportunity(second), "Account": ACCOUNT, "Lines": LINES, "ContactRoles": [role]}
    return {**parts, **more}


def envelope(remote_id: str, token: int) -> dict[str, Any]:
    """Return what every object of QuickBooks has."""
    meta = {"CreateTime": "2026-03-01T04:00:00-08:00", "LastUpdatedTime": f"2026-03-01T04:00:{token:02d}-08:00"}
    return {"Id": remote_id, "SyncToken": str(token), "domain": "QBO", "sparse": False, "MetaData": meta}


def stored(kind: str, remote_id: str, token: int = 0, **more: Any) -> dict[str, Any]:
    """Return an object as QuickBooks stores it."""
    own: dict[str, dict[str, Any]] = {
        "Customer": {"DisplayName": "Acme, Inc.", "CompanyName": "Acme, Inc.", "Active": True},
        "Item": {"Name": "Widget", "Sku": "W-1", "Type": "Service", "Active": True},
        "Invoice": {
            "DocNumber": "1001", "TxnDate": "2026-02-28", "DueDate": "2026-03-30", "TotalAmt": 1250.5,
            "Balance": 1250.5, "CustomerRef": {"value": "58"}, "CurrencyRef": {"value": "USD"},
            "PrivateNote": "Rollout",
        },
        "Payment": {
            "TotalAmt": 1250.5, "UnappliedAmt": 0, "TxnDate": "2026-03-05", "CustomerRef": {"value": "58"},
            "Line": [{"Amount": 1250.5, "LinkedTxn": [{"TxnId": "145", "TxnType": "Invoice"}]}],
        },
    }  # fmt: skip
    return {**envelope(remote_id, token), **own[kind], **more}


def version(second: int) -> str:
    """Return a QuickBooks version: time and SyncToken, as `stored` has them."""
    return f"2026-03-01T12:00:{second:02d}.000000Z/{second:010d}"


def asked(commands: Sequence[Command]) -> list[tuple[str, str]]:
    """Return what the accounts are asked for."""
    return [(c.operation, c.object) for c in commands if c.vendor == "quickbooks"]
