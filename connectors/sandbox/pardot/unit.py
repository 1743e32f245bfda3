"""One business unit: its records, switches and custom fields, and reading and writing them by the unit's rules."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.pardot.catalogue import CUSTOM_FIELDS, OBJECTS, PROSPECTS
from connectors.sandbox.pardot.errors import (
    ARCHIVED,
    BAD_CAMPAIGN,
    BAD_LIST,
    BAD_PROSPECT,
    MISSING,
    NOT_WRITABLE,
    UNKNOWN_PROPERTY,
    PardotError,
    not_found,
)
from connectors.sandbox.pardot.objects import CUSTOM_KINDS, Object
from connectors.sandbox.pardot.shapes import Shapes
from connectors.sandbox.pardot.store import API_USER, STALEST, Store
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.values import kept

SETTINGS: Mapping[str, Any] = {
    "ampsea": True,
    "time_zone": "America/New_York",
    "stale_seconds": 0,
    "page_chain_records": 100_000,
    "session_seconds": 7200,
    "concurrent_calls": 5,
    "api_enabled": True,
    "hidden_fields": "",
    "slow_query_records": 0,
    "job_seconds": 2,
    "export_file_records": 50_000,
    "connected_campaigns": True,
    "create_from_salesforce": True,
    "extensions": {"Sluiceway": ["Won", "Paid"]},
}
_IN_BIN = {"Pardot-Warning": "201;Record In Recycle Bin"}
_ABSENT = {"prospects": BAD_PROSPECT, "lists": BAD_LIST, "campaigns": BAD_CAMPAIGN}


class Unit:
    """A business unit as one call sees it."""

    def __init__(self, ctx: SandboxContext, store: Store, account: str) -> None:
        self.ctx = ctx
        self.store = store
        self.account = account
        self.zone = ZoneInfo(self.setting("time_zone"))
        self.lag = min(self.setting("stale_seconds"), STALEST)
        hidden = frozenset(name.strip() for name in self.setting("hidden_fields").split(",") if name.strip())
        self.shapes = Shapes(self.kinds, self.find, self.zone, hidden)

    def setting(self, name: str) -> Any:
        """A switch of the unit."""
        return self.ctx.setting(self.account, name, SETTINGS[name])

    @property
    def ampsea(self) -> bool:
        """Whether several prospects may share an e-mail address."""
        return bool(self.setting("ampsea"))

    def custom(self) -> dict[str, str]:
        """The prospects' custom fields and their kinds."""
        rows = self.store.table(self.account, CUSTOM_FIELDS.name).rows.values()
        return {row["fieldId"]: CUSTOM_KINDS[row["type"]] for row in rows}

    def kinds(self, target: Object) -> Mapping[str, str]:
        """An object's fields, custom ones included."""
        return {**target.fields, **self.custom()} if target is PROSPECTS else target.fields

    def find(self, name: str, record_id: int) -> Record | None:
        """A record as reads see it, behind by the unit's lag."""
        return self.store.version(self.account, name, record_id, self.lag)

    def read(self, target: Object, record_id: int) -> Record:
        """A record that is not in the bin; raises NOT_FOUND, with a warning when it is."""
        return _live(self.find(target.name, record_id))

    def now(self, target: Object, record_id: int) -> Record | None:
        """A record as it is, in the bin or not."""
        return self.store.table(self.account, target.name).get(record_id)

    def having(self, target: Object, field: str, value: Any) -> list[Record]:
        """The records with that value of a field as they are, in the bin or not, in the order of their ids."""
        return self.store.table(self.account, target.name).having(field, value)

    def current(self, target: Object, record_id: int) -> Record:
        """A record to be changed: never a stale one; raises NOT_FOUND or ARCHIVED."""
        found = self.now(target, record_id)
        if found is not None and found.get("isDeleted"):
            raise PardotError(ARCHIVED, "This record is in the recycle bin and cannot be updated.")
        return _live(found)

    def values(self, target: Object, body: Mapping[str, Any], *, creating: bool) -> Record:
        """Check what a caller wants to write.

        Raises:
            PardotError: UNKNOWN_PROPERTY, NOT_WRITABLE, MISSING, or what a value is refused for.
        """
        kinds, custom = self.kinds(target), self.custom() if target is PROSPECTS else {}
        given: Record = {}
        for name, value in body.items():
            if name not in kinds:
                raise PardotError(UNKNOWN_PROPERTY, f"{name}: invalid property of {target.name}")
            if (name not in target.writable and name not in custom) or (name in target.fixed and not creating):
                raise PardotError(NOT_WRITABLE, f"{name}: cannot be written in this operation")
            given[name] = kept(name, kinds[name], value)
        for name in target.required:
            if (creating or name in given) and given.get(name) is None:
                raise PardotError(MISSING, f"{name}: this property is required")
        self.check_parents(target, given)
        return given

    def check_parents(self, target: Object, given: Mapping[str, Any]) -> None:
        """Raise BAD_PROSPECT, BAD_LIST, BAD_CAMPAIGN or UNKNOWN_PROPERTY where an id names nothing."""
        for step, (parent, id_field) in target.parents.items():
            if given.get(id_field) is not None and self._absent(parent, given[id_field]):
                code = _ABSENT.get(parent, UNKNOWN_PROPERTY)
                raise PardotError(code, f"{id_field}: no such {step} {given[id_field]}")

    def _absent(self, name: str, record_id: int) -> bool:
        found = self.store.table(self.account, name).get(record_id)
        return found is None or bool(found.get("isDeleted"))

    def add(self, target: Object, values: Record) -> Record:
        """Store a new record; fields without a value are left out."""
        given: Record = {"createdById": API_USER, "updatedById": API_USER, "isDeleted": False}
        mine = {name: value for name, value in given.items() if name in target.fields}
        return self.store.add(self.account, target.name, {**mine, **values})

    def change(self, target: Object, record: Record, values: Record) -> Record:
        """Store a record's new values."""
        return self.store.change(self.account, target.name, record, values)

    def delete(self, target: Object, record_id: int) -> None:
        """Move a record to the bin, or away where there is none."""
        record = _live(self.now(target, record_id))
        if target.binned:
            self.change(target, record, {"isDeleted": True})
        else:
            self.store.remove(self.account, target.name, record)


def _live(found: Record | None) -> Record:
    if found is None:
        raise not_found()
    if found.get("isDeleted"):
        raise PardotError(not_found().code, "Record In Recycle Bin", _IN_BIN)
    return found


def target_named(name: str) -> Object:
    """The object of a URL; raises NOT_FOUND."""
    found = OBJECTS.get(name)
    if found is None:
        raise not_found()
    return found
