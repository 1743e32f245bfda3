"""The orgs of this sandbox, one per account: kept in the sandbox's database, read once into memory."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.changes import Author, Change, Purged, Stored
from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.ids import PODS, make_id
from connectors.sandbox.salesforce.org import Org, Unit
from connectors.sandbox.salesforce.pubsub.publisher import Publisher
from connectors.sandbox.salesforce.seed import furnish

_CUSTOM, _OBJECT, _CHANNEL, _PURGED = "CustomField", "CustomObject", "EventChannel", "Purged"


class _Stored:
    """An org's records in the database; a save belongs to the request's transaction."""

    def __init__(self, ctx: SandboxContext, account: str, publisher: Publisher) -> None:
        self._ctx = ctx
        self._account = account
        self._publisher = publisher

    def save(self, changes: Sequence[Change]) -> None:
        for change in changes:
            if change.record is None:
                self._ctx.database.remove(self._account, change.name, change.id)
            else:
                self._ctx.database.put(self._account, change.name, change.id, dict(change.record))
            self._ctx.wrote(self._account, change.name)

    def declare_object(self, name: str, prefix: str) -> None:
        self._ctx.database.put(self._account, _OBJECT, name, {"name": name, "prefix": prefix})

    def set_channel(self, name: str, members: Sequence[str]) -> None:
        self._ctx.database.put(self._account, _CHANNEL, name, {"name": name, "members": list(members)})

    def bury(self, purged: Purged) -> None:
        self._ctx.database.put(self._account, _PURGED, purged.id, asdict(purged))

    def announce(self, org: Org, changes: Sequence[Change], author: Author, now: datetime) -> None:
        self._publisher.announce(org, changes, author, now)

    def declare(self, name: str, field: Field) -> None:
        body = {
            "object": name,
            "name": field.name,
            "kind": field.kind,
            "length": field.length,
            "scale": field.scale,
            "external": field.external,
            "unique": field.unique,
        }
        self._ctx.database.put(self._account, _CUSTOM, f"{name}.{field.name}", body)


class Orgs:
    """Finds an account's org.

    A unit is applied to memory when it commits, ahead of the request's transaction. That is sound because an answer
    below 400 is what ends a request that committed a unit, and only such a request's transaction is kept.
    """

    def __init__(self, ctx: SandboxContext, publisher: Publisher) -> None:
        self._ctx = ctx
        self._publisher = publisher
        self._orgs: dict[str, Org] = {}

    def pod(self, account: str) -> int:
        """The org's number, which follows from the account's name."""
        number = int(derive("salesforce", account, "pod"), 16)
        return number % PODS

    def org_id(self, account: str) -> str:
        """The org's id, 18 characters."""
        return make_id("00D", self.pod(account), 1)

    def furnish(self, account: str) -> None:
        """Make an empty account a new org."""
        org = self._empty(account)
        unit = org.unit(self._ctx.clock.now(), Author(announced=False))
        furnish(unit)
        unit.commit()
        self._orgs[account] = org

    def org(self, account: str) -> Org:
        """The account's org."""
        if account not in self._orgs:
            self._orgs[account] = self._load(account)
        return self._orgs[account]

    def unit(self, account: str, author: Author | None = None) -> Unit:
        """Begin to change the account's records."""
        return self.org(account).unit(self._ctx.clock.now(), author)

    def _empty(self, account: str) -> Org:
        return Org(account, self.pod(account), _Stored(self._ctx, account, self._publisher))

    def _load(self, account: str) -> Org:
        org = self._empty(account)
        for body in self._ctx.database.all(account, _OBJECT):
            org.add_object(**body)
        for body in self._ctx.database.all(account, _CHANNEL):
            org.channels[body["name"]] = tuple(body["members"])
        for body in self._ctx.database.all(account, _CUSTOM):
            org.schema.addressed(body.pop("object")).add(Field(**body))
        org.purged += [Purged(**body) for body in self._ctx.database.all(account, _PURGED)]
        for found in org.schema:
            org.load(Change(found.name, Stored(body)) for body in self._ctx.database.all(account, found.name))
        return org
