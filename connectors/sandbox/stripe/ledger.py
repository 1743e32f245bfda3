"""One Stripe account during one request: its objects, ids, times and the events it writes."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.stripe.errors import missing_object

Entity = dict[str, Any]
PREFIXES = {
    "customer": "cus_",
    "product": "prod_",
    "price": "price_",
    "subscription": "sub_",
    "subscription_item": "si_",
    "invoice": "in_",
    "invoiceitem": "ii_",
    "line_item": "il_",
    "payment_intent": "pi_",
    "charge": "ch_",
    "refund": "re_",
    "credit_note": "cn_",
    "credit_note_line_item": "cnli_",
    "event": "evt_",
    "webhook_endpoint": "we_",
    "request": "req_",
    "invoice_payment": "inpay_",
    "test_helpers.test_clock": "clock_",
}
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
ID_LENGTH = 24
TITLES = {"payment_intent": "payment_intent", "credit_note": "credit note", "invoiceitem": "invoiceitem"}


@dataclass(slots=True)
class Ledger:
    """Access to one account's objects; `events` lists what this request wrote, ready to be sent.

    `clock` is the frozen time of a test clock whose objects are worked on.
    """

    ctx: SandboxContext
    account: str
    identity: Entity
    version: str
    random: Random
    request: Entity = field(default_factory=lambda: {"id": None, "idempotency_key": None})
    events: list[Entity] = field(default_factory=list)
    aftermath: list[Callable[["Ledger"], None]] = field(default_factory=list)
    clock: int | None = None

    def now(self) -> int:
        """The present, Unix seconds."""
        return self.clock if self.clock is not None else int(self.ctx.clock.now().timestamp())

    def new_id(self, kind: str) -> str:
        """A new id of a kind."""
        return PREFIXES[kind] + "".join(self.random.choices(ALPHABET, k=ID_LENGTH))

    def get(self, kind: str, id_: str | None) -> Entity | None:
        """One object, or None."""
        return self.ctx.database.get(self.account, kind, id_) if id_ else None

    def require(self, kind: str, id_: str | None, param: str = "id", status: int = 404) -> Entity:
        """One object that is not deleted.

        Raises:
            StripeError: there is none.
        """
        found = self.get(kind, id_)
        if found is None or found.get("deleted"):
            raise missing_object(TITLES.get(kind, kind), str(id_), param, status)
        return found

    def referred(self, kind: str, id_: str | None, param: str) -> Entity:
        """An object a parameter names.

        Raises:
            StripeError: there is none.
        """
        return self.require(kind, id_, param, 400)

    def find(self, kind: str, path: str, *values: str) -> list[Entity]:
        """Objects by the value of one text property."""
        return self.ctx.database.find(self.account, kind, path, values)

    def put(self, kind: str, entity: Entity) -> Entity:
        """Store an object."""
        self.ctx.database.put(self.account, kind, entity["id"], entity)
        self.ctx.wrote(self.account, kind)
        return entity

    def announce(self, type_: str, entity: Entity, previous: Entity | None = None) -> None:
        """Write an event; `previous` are the attributes that changed, as they were."""
        data: Entity = {"object": public(entity)}
        if previous is not None:
            data["previous_attributes"] = previous
        event = {
            "id": self.new_id("event"),
            "object": "event",
            "api_version": self.version,
            "created": int(self.ctx.clock.now().timestamp()),
            "data": data,
            "livemode": False,
            "pending_webhooks": 0,
            "request": self.request,
            "type": type_,
        }
        self.put("event", event)
        self.events.append(event)

    def changed(self, kind: str, type_: str, before: Entity, after: Entity) -> Entity:
        """Store a change and announce it, if it is one."""
        previous = {name: value for name, value in before.items() if after.get(name) != value}
        previous |= dict.fromkeys(after.keys() - before.keys())
        self.put(kind, after)
        visible = {name: value for name, value in previous.items() if not name.startswith("_")}
        if visible:
            self.announce(type_, after, visible)
        return after


def public(entity: Entity) -> Entity:
    """An object without our own notes."""
    return {name: value for name, value in entity.items() if not name.startswith("_")}


def listing(url: str, data: list[Entity], *, more: bool = False) -> Entity:
    """Stripe's list object."""
    return {"object": "list", "url": url, "has_more": more, "data": data}
