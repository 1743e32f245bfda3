"""Vendors that do what a command says, and remember it; what they were before is what was recorded of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from typing import Any

from connectors.kafka.records import Command, VendorRecord, VendorResult
from connectors.ports import Raw
from connectors.wire import dumps, iso_micros, loads
from tests.recording.company import TENANT
from tests.recording.story import Told

LATE = datetime(2026, 4, 1, tzinfo=UTC)
"""What vendors store at our word is newer than what was recorded."""
HEARD = datetime(2026, 4, 10, tzinfo=UTC)
"""When all is heard of: after the last midnight, so that none passes between a write and its answer."""
NAMES: Mapping[str, tuple[str, ...]] = {
    "Customer": ("DisplayName",),
    "Item": ("Sku", "Name"),
    "Prospect": ("email",),
}
"""By what a sink finds an object that is there already."""
STAMPS: Mapping[str, str] = {"salesforce": "SystemModstamp", "pardot": "updatedAt"}
Key = tuple[str, str, str]


class WaitsError(Exception):
    """A command refers to an object that is not there yet."""


class GoneError(Exception):
    """A command is about an object that was deleted, which no vendor takes back for that: a dead letter."""


@dataclass
class Vendors:
    """All of them.

    Attributes:
        created: what is there only because of commands.
    """

    at: datetime
    created: set[Key] = field(default_factory=set)
    _bodies: dict[Key, dict[str, Any]] = field(default_factory=dict)
    _gone: set[Key] = field(default_factory=set)
    _versions: dict[Key, str] = field(default_factory=dict)
    _named: dict[tuple[str, str, str], str] = field(default_factory=dict)
    _ids: dict[tuple[str, str], str] = field(default_factory=dict)
    _done: dict[tuple[str, str], int] = field(default_factory=dict)
    _writes: int = 0

    @classmethod
    def of(cls, told: Sequence[Told]) -> "Vendors":
        """Return vendors as they were when the recording ended."""
        vendors = cls(HEARD)
        for vendor, raw in told:
            key = vendor, raw.object, raw.remote_id
            if raw.hint or raw.version < vendors._versions.get(key, ""):
                continue
            vendors._versions[key] = raw.version
            if raw.deleted:
                vendors._bodies.pop(key, None)
                vendors._gone.add(key)
            else:
                vendors._bodies[key] = loads(raw.body)
                vendors._gone.discard(key)
        for key, body in vendors._bodies.items():
            vendors._know(key, body)
        return vendors

    def answer(self, command: Command) -> Sequence[VendorRecord | VendorResult]:
        """Return what comes back into the inbox: the result, and the change as the vendor's source tells it.

        Raises:
            WaitsError: a parent is to be created first.
            GoneError: the object was deleted.
        """
        key = command.vendor, command.object, command.remote_id or ""
        if command.operation == "FETCH":
            return [self._record(key, "fetch")]
        if command.version < self._done.get((command.vendor, command.object_key), 0):
            return []  # delivery drops what was overtaken
        if command.operation == "VOID":
            return list(self._void(command, self._ids.get((command.vendor, command.object_key), "")))
        body = self._filled(command.vendor, loads(command.body.encode()))
        remote_id = (
            command.remote_id or self._ids.get((command.vendor, command.object_key)) or self._find(command, body)
        )
        key = command.vendor, command.object, remote_id or self._create(command)
        if key in self._gone:
            raise GoneError(key)
        self._ids[command.vendor, command.object_key] = key[2]
        self._done[command.vendor, command.object_key] = command.version
        self._store(key, body)
        stored = {"Id": key[2]} if command.vendor == "salesforce" else self._bodies[key]
        return [self._result(command, key[2], stored), self._record(key, "poll", ours=command.vendor == "salesforce")]

    def _void(self, command: Command, remote_id: str) -> Iterator[VendorRecord | VendorResult]:
        key = command.vendor, command.object, remote_id
        if key not in self._bodies:
            raise WaitsError(command.object_key)
        self._done[command.vendor, command.object_key] = command.version
        self._store(key, {"TotalAmt": 0, "Balance": 0, "PrivateNote": "Voided"})
        yield self._result(command, remote_id, self._bodies[key])

    def _filled(self, vendor: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            if "$ref" in value:
                if (vendor, value["$ref"]) not in self._ids:
                    raise WaitsError(value["$ref"])
                return self._ids[vendor, value["$ref"]]
            return {name: self._filled(vendor, part) for name, part in value.items() if not _is_lookup(part)}
        return [self._filled(vendor, item) for item in value] if isinstance(value, list) else value

    def _find(self, command: Command, body: Mapping[str, Any]) -> str | None:
        names = (str(body.get(name, "")).casefold() for name in NAMES.get(command.object, ()))
        found = (self._named.get((command.vendor, command.object, name)) for name in names if name)
        return next((id_ for id_ in found if id_ is not None), None)

    def _create(self, command: Command) -> str:
        id_ = "n" + sha256(command.object_key.encode()).hexdigest()[:12]
        self.created.add((command.vendor, command.object, id_))
        return id_

    def _store(self, key: Key, written: Mapping[str, Any]) -> None:
        self._writes += 1
        changed = LATE + timedelta(seconds=self._writes)
        body = {**self._bodies.get(key, {}), **written}
        self._bodies[key] = body
        vendor, object_type, id_ = key
        if vendor == "quickbooks":
            token = int(body.get("SyncToken", -1)) + 1
            body |= {"Id": id_, "SyncToken": str(token), "MetaData": {"LastUpdatedTime": changed.isoformat()}}
            body |= _totals(object_type, body)
            body.setdefault("CurrencyRef", {"value": "USD"})
            self._versions[key] = f"{iso_micros(changed)}/{token:010d}"
        else:
            body |= {"Id" if vendor == "salesforce" else "id": id_, STAMPS[vendor]: changed.isoformat()}
            self._versions[key] = iso_micros(changed)
        self._know(key, body)
        if object_type == "Payment":
            self._paid(body)

    def _paid(self, payment: Mapping[str, Any]) -> None:
        """Take what a payment pays from what its invoices owe."""
        for line in payment["Line"]:
            for linked in line["LinkedTxn"]:
                key = "quickbooks", linked["TxnType"], str(linked["TxnId"])
                self._store(key, {"Balance": Decimal(self._bodies[key]["Balance"]) - Decimal(line["Amount"])})

    def _know(self, key: Key, body: Mapping[str, Any]) -> None:
        for name in NAMES.get(key[1], ()):
            if body.get(name):
                self._named.setdefault((key[0], key[1], str(body[name]).casefold()), key[2])

    def _result(self, command: Command, remote_id: str, body: Mapping[str, Any]) -> VendorResult:
        about = command.object_key, command.operation, command.version
        return VendorResult(TENANT, command.vendor, command.object, *about, remote_id, dumps(body), self.at)

    def _record(self, key: Key, origin: str, *, ours: bool = False) -> VendorRecord:
        body = self._bodies.get(key)
        raw = dumps(body) if body is not None else b"{}"
        version = self._versions.get(key, iso_micros(LATE))
        return VendorRecord(TENANT, *key, version, origin, raw, self.at, deleted=body is None, ours=ours)


def _is_lookup(value: Any) -> bool:
    return isinstance(value, Mapping) and "$lookup" in value


def _totals(object_type: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what QuickBooks reckons of a document that it stores."""
    if object_type not in {"Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt"} or "Voided" in str(
        body.get("PrivateNote", "")
    ):
        return {}
    total = Decimal(0)
    for line in body.get("Line", ()):
        total += Decimal(str(line.get("Amount", 0))) * (-1 if line["DetailType"] == "DiscountLineDetail" else 1)
    number = sha256(json.dumps(body["Id"]).encode()).hexdigest()[:8]
    return {"TotalAmt": total, "Balance": body.get("Balance", total), "DocNumber": body.get("DocNumber", number)}


def record_of(vendor: str, raw: Raw, at: datetime) -> VendorRecord:
    """Return what a source's record is in the inbox."""
    flags: dict[str, Any] = {"deleted": raw.deleted, "hint": raw.hint, "undeleted": raw.undeleted, "ours": raw.ours}
    about = raw.object, raw.remote_id, raw.version
    return VendorRecord(TENANT, vendor, *about, "poll", raw.body, at, merged_into=raw.merged_into, **flags)
