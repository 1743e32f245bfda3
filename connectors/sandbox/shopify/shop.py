"""One shop during one request: its rows, ids and times, and what changed.

Rows are kept in the shape of Shopify's REST resources, which webhooks carry: snake case, numeric ids, instants in UTC.
`__typename` is the GraphQL type. GraphQL answers are read off them by `resolvers.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import SandboxContext

Row = dict[str, Any]
FIRST_ID = 6_000_000_000_001
"""Ids have one length, so that their order as text is the order of creation."""
ZONE = ZoneInfo("America/New_York")


@dataclass(frozen=True, slots=True)
class Event:
    """Something that webhooks tell: `topic` as `orders/create`, `body` the REST resource of that moment."""

    topic: str
    body: Row


@dataclass(frozen=True, slots=True)
class Shop:
    """Access to one account's rows.

    Attributes:
        version: of the API.
        base: the address the caller used.
        moment: stands in for the present while a history is made; nothing is told of it then.
        written: the types of what this request wrote.
        events: what it has to tell.
    """

    ctx: SandboxContext
    account: str
    version: str
    base: str
    moment: str | None = None
    written: list[str] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)

    @property
    def identity(self) -> Mapping[str, Any]:
        """Domain, client id and secret."""
        return self.ctx.accounts.get(self.account) or {}

    @property
    def profile(self) -> Row:
        """The shop's own record."""
        found: Row = self.ctx.database.value(self.account, "shop")
        return found

    @property
    def currency(self) -> str:
        """The shop's currency."""
        return str(self.profile["currency"])

    def now(self) -> str:
        """The present as Shopify stamps it: whole seconds, UTC."""
        return self.moment or stamp(self.ctx.clock.now())

    def next_id(self, kind: str) -> int:
        """A new number for a row of this type."""
        return self.ctx.database.next(self.account, f"id/{kind}", FIRST_ID)

    def token(self, purpose: str) -> str:
        """A new token that nobody guesses; the same shop hands out the same ones in the same order."""
        number = self.ctx.database.next(self.account, f"token/{purpose}")
        return derive("shopify", self.account, f"{purpose} {number}")

    def get(self, kind: str, number: Any) -> Row | None:
        """One row, or None."""
        return self.ctx.database.get(self.account, kind, str(number))

    def need(self, kind: str, number: Any) -> Row:
        """One row that another one points to."""
        found = self.get(kind, number)
        if found is None:
            raise LookupError(f"no {kind} {number}")
        return found

    def all(self, kind: str) -> list[Row]:
        """Every row of a type, oldest first."""
        return self.ctx.database.all(self.account, kind)

    def find(self, kind: str, path: str, *values: str) -> list[Row]:
        """Rows by one of their values."""
        return self.ctx.database.find(self.account, kind, path, values)

    def new(self, kind: str, row: Row) -> Row:
        """Store a new row with id and times."""
        made = self.now()
        stored = {"__typename": kind, "id": self.next_id(kind), **row, "created_at": made, "updated_at": made}
        self.put(stored)
        return stored

    def save(self, row: Row) -> Row:
        """Store a changed row; its time moves on."""
        row["updated_at"] = self.now()
        self.put(row)
        return row

    def put(self, row: Row) -> None:
        """Store a row as it is."""
        self.ctx.database.put(self.account, row["__typename"], str(row["id"]), row)
        self.written.append(row["__typename"])

    def remove(self, row: Row) -> None:
        """Delete a row for good."""
        self.ctx.database.remove(self.account, row["__typename"], str(row["id"]))
        self.written.append(row["__typename"])


def stamp(instant: datetime) -> str:
    """Write an instant as Shopify's GraphQL does."""
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")
