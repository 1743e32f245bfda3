"""The orgs of this sandbox, one per account: kept in the sandbox's database, read once into memory."""

from collections.abc import Sequence

from connectors.sandbox.accounts import derive
from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.ids import PODS, make_id
from connectors.sandbox.salesforce.org import Change, Org, Unit
from connectors.sandbox.salesforce.seed import furnish

_CUSTOM = "CustomField"


class _Stored:
    """An org's records in the database; a save belongs to the request's transaction."""

    def __init__(self, ctx: SandboxContext, account: str) -> None:
        self._ctx = ctx
        self._account = account

    def save(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self._ctx.database.put(self._account, change.name, change.record["Id"], dict(change.record))
            self._ctx.wrote(self._account, change.name)

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

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx
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
        org = Org(account, self.pod(account), _Stored(self._ctx, account))
        unit = org.unit(self._ctx.clock.now())
        furnish(unit)
        unit.commit()
        self._orgs[account] = org

    def org(self, account: str) -> Org:
        """The account's org."""
        if account not in self._orgs:
            self._orgs[account] = self._load(account)
        return self._orgs[account]

    def unit(self, account: str) -> Unit:
        """Begin to change the account's records."""
        return self.org(account).unit(self._ctx.clock.now())

    def _load(self, account: str) -> Org:
        org = Org(account, self.pod(account), _Stored(self._ctx, account))
        for body in self._ctx.database.all(account, _CUSTOM):
            org.schema.addressed(body.pop("object")).add(Field(**body))
        for found in org.schema:
            org.load(Change(found.name, body) for body in self._ctx.database.all(account, found.name))
        return org
