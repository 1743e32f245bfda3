"""One QuickBooks company during one request: its objects, ids, references, times and what changed."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.kinds import Kind

Entity = dict[str, Any]

# Intuit stamps in Pacific time, whatever the company's own zone.
PACIFIC = ZoneInfo("America/Los_Angeles")
HOME_CURRENCY = {"value": "USD", "name": "United States Dollar"}
CENT = Decimal("0.01")
ZERO = Decimal("0.00")
OWED = {"Invoice": ("Balance", 1), "Payment": ("UnappliedAmt", -1), "CreditMemo": ("RemainingCredit", -1)}
"""What makes up a customer's balance: open invoices less credits that are not used."""
NUMERIC_ID = re.compile(r"-?\d+")
INACTIVE = (
    "Object Not Found : Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)


@dataclass(frozen=True, slots=True)
class Change:
    """A write, for the meter and the webhooks: created, updated, deleted, voided, emailed, merged (with the loser)."""

    kind: Kind
    id: str
    verb: str
    loser: str = ""


@dataclass(frozen=True, slots=True)
class Company:
    """Access to one account's objects; `changes` lists what this request wrote."""

    ctx: SandboxContext
    account: str
    settings: dict[str, Any]
    changes: list[Change] = field(default_factory=list)

    @property
    def skew(self) -> timedelta:
        """How far this company's clock is ahead of the sandbox's."""
        return timedelta(seconds=self.settings["clock_skew_seconds"])

    def now(self) -> datetime:
        """The present by the company's clock, in Intuit's zone."""
        return (self.ctx.clock.now() + self.skew).astimezone(PACIFIC)

    def stamp(self) -> str:
        """The present as MetaData writes it: whole seconds with offset."""
        return self.now().isoformat(timespec="seconds")

    def today(self) -> date:
        """The company's date."""
        return self.now().date()

    def get(self, kind: str, id_: str) -> Entity | None:
        """One object, or None."""
        return self.ctx.database.get(self.account, kind, id_)

    def all(self, kind: str) -> list[Entity]:
        """All objects of a kind."""
        return self.ctx.database.all(self.account, kind)

    def parts(self, kind: str, *names: str) -> list[Entity]:
        """All objects of a kind with these properties alone."""
        return self.ctx.database.parts(self.account, kind, names)

    def find(self, kind: str, path: str, *values: str) -> list[Entity]:
        """Objects by the value of one property."""
        return self.ctx.database.find(self.account, kind, path, values)

    def of_customer(self, kind: str, customer_id: str) -> list[Entity]:
        """A customer's transactions of a kind."""
        return self.find(kind, "CustomerRef.value", customer_id)

    def require(self, kind: str, id_: Any) -> Entity:
        """One object. Raises 2030 for an id that cannot be one, 610 for one that is not there."""
        text = str(id_)
        found = self.get(kind, text)
        if found is not None:
            return found
        if not NUMERIC_ID.fullmatch(text):
            raise QboError("2030", f"Id should be a valid number. Supplied value:{text}", "Id")
        raise QboError("610", "Object Not Found : Something you're trying to use has been made inactive or deleted.")

    def insert(self, kind: Kind, entity: Entity, *, id_: str | None = None) -> Entity:
        """Store a new object under the next id of its sequence."""
        stamp = self.stamp()
        stored = {
            **entity,
            "Id": id_ or str(self.ctx.database.next(self.account, kind.counter)),
            "SyncToken": "0",
            "domain": "QBO",
            "sparse": False,
            "MetaData": {"CreateTime": stamp, "LastUpdatedTime": stamp},
        }
        return self._write(kind, stored, "created")

    def replace(self, kind: Kind, entity: Entity, verb: str = "updated") -> Entity:
        """Store a new version: SyncToken and time move on."""
        stored = {
            **entity,
            "SyncToken": str(int(entity["SyncToken"]) + 1),
            "MetaData": self.touched(entity),
        }
        return self._write(kind, stored, verb)

    def put_quietly(self, kind: Kind, entity: Entity) -> None:
        """Store a computed property (a balance, a stock) without a new version."""
        self._store(kind, entity["Id"], entity)

    def touched(self, entity: Entity) -> Entity:
        """The MetaData of an object that changes now."""
        return {**entity["MetaData"], "LastUpdatedTime": self.stamp()}

    def erase(self, kind: Kind, entity: Entity, change: Change | None = None) -> Entity:
        """Delete for good, leaving the stub that change data capture reports; announced as `change` if given."""
        id_ = entity["Id"]
        self._store(kind, id_, None)
        stub = {"domain": "QBO", "status": "Deleted", "Id": id_}
        self.ctx.database.put(
            self.account, f"deleted {kind.name}", id_, {**stub, "MetaData": {"LastUpdatedTime": self.stamp()}}
        )
        self.changes.append(change or Change(kind, id_, "deleted"))
        return stub

    def reference(self, entity: Entity, name: str, kind: str, *, required: bool = False) -> Entity | None:
        """Resolve a reference property and complete its name.

        Raises 2020 if required and absent, 2500 if it points nowhere, 610 if the target is inactive.
        """
        ref = entity.get(name)
        value = ref.get("value") if isinstance(ref, dict) else ref
        if value is None:
            if required:
                raise missing(name)
            entity.pop(name, None)
            return None
        found = self.get(kind, str(value))
        if found is None:
            raise QboError("2500", f"Invalid Reference Id : {kind} element id {value} not found", name)
        if found.get("Active") is False:
            raise QboError("610", INACTIVE, name)
        shown = found.get("DisplayName") or found.get("FullyQualifiedName") or found.get("Name")
        entity[name] = {"value": found["Id"], "name": shown}
        return found

    def _write(self, kind: Kind, stored: Entity, verb: str) -> Entity:
        self._store(kind, stored["Id"], stored)
        self.changes.append(Change(kind, stored["Id"], verb))
        return stored

    def _store(self, kind: Kind, id_: str, entity: Entity | None) -> None:
        """Put or remove an object; balances move by the difference, as a customer may have very many transactions."""
        before = self.get(kind.name, id_) if kind.name in OWED else None
        if entity is None:
            self.ctx.database.remove(self.account, kind.name, id_)
        else:
            self.ctx.database.put(self.account, kind.name, id_, entity)
        moved: dict[str, Decimal] = {}
        for one, sign in ((before, -1), (entity, 1)):
            if one is not None and kind.name in OWED:
                amount, direction = OWED[kind.name]
                customer = one["CustomerRef"]["value"]
                moved[customer] = moved.get(customer, ZERO) + sign * direction * Decimal(one[amount])
        for customer_id, difference in moved.items():
            self._owe(customer_id, difference)

    def _owe(self, customer_id: str, difference: Decimal) -> None:
        customer = self.get("Customer", customer_id)
        if difference and customer is not None:
            balance = cents(Decimal(customer["Balance"]) + difference)
            owing = {**customer, "Balance": balance, "BalanceWithJobs": balance}
            self.ctx.database.put(self.account, "Customer", customer_id, owing)


def number(value: Any, name: str) -> Decimal:
    """A number as sent, in JSON or as text. Raises 2010."""
    try:
        if isinstance(value, bool):
            raise InvalidOperation  # noqa: TRY301 - JSON's true is no amount
        result = Decimal(str(value))
    except InvalidOperation:
        detail = f"Property Name:failed to parse {name} as a number. Supplied value:{value}"
        raise QboError("2010", detail, name) from None
    if not result.is_finite():
        raise QboError("2010", f"Property Name:{name} must be finite", name)
    return result


def cents(value: Decimal) -> Decimal:
    """Rounded to cents, half away from zero, written with two digits."""
    return value.quantize(CENT, ROUND_HALF_UP)


def day(value: Any, name: str) -> date:
    """A date as sent: YYYY-MM-DD, a time behind it is ignored. Raises 2010."""
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        raise QboError("2010", f"Property Name:{name} is not a date. Supplied value:{value}", name) from None
