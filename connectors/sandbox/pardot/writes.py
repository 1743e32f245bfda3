"""Creating, changing and deleting, by object."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from connectors.sandbox.pardot import prospects
from connectors.sandbox.pardot.errors import (
    BAD_LIST,
    BAD_RANGE,
    METHOD,
    ON_LIST,
    UNKNOWN_PROPERTY,
    PardotError,
)
from connectors.sandbox.pardot.objects import (
    ACTIVITIES,
    CUSTOM_FIELDS,
    CUSTOM_KINDS,
    LISTS,
    MEMBERSHIPS,
    PROSPECTS,
    Object,
)
from connectors.sandbox.pardot.store import Record
from connectors.sandbox.pardot.unit import Unit

_GIVEN_BY_US = frozenset({"id", "createdAt", "updatedAt"})


def create(unit: Unit, target: Object, body: Mapping[str, Any]) -> Record:
    """Make a record; raises METHOD for objects that callers cannot make."""
    if not target.creates:
        raise method_refused()
    if target is PROSPECTS:
        return prospects.create(unit, body)
    if target is MEMBERSHIPS:
        return _join(unit, body)
    values = unit.values(target, body, creating=True)
    if target is CUSTOM_FIELDS:
        _check_custom(unit, values)
    return unit.add(target, values)


def update(unit: Unit, target: Object, record_id: int, body: Mapping[str, Any]) -> Record:
    """Change the given fields of a record; raises METHOD for objects that callers cannot change."""
    if not target.changes:
        raise method_refused()
    record = unit.current(target, record_id)
    if target is PROSPECTS:
        return prospects.update(unit, record, body)
    return unit.change(target, record, unit.values(target, body, creating=False))


def delete(unit: Unit, target: Object, record_id: int) -> None:
    """Move a record to the bin."""
    if not target.changes:
        raise method_refused()
    unit.delete(target, record_id)


def track(unit: Unit, body: Mapping[str, Any]) -> Record:
    """Store what a tracked visitor did, and move the prospect's lastActivityAt; no caller of the real API can."""
    tracked = replace(ACTIVITIES, writable=frozenset(ACTIVITIES.fields) - _GIVEN_BY_US, required=("type",))
    made = unit.add(ACTIVITIES, unit.values(tracked, body, creating=True))
    prospect = unit.store.table(unit.account, PROSPECTS.name).get(made["prospectId"] or 0)
    if prospect is not None:
        unit.change(PROSPECTS, prospect, {"lastActivityAt": made["createdAt"]})
    return made


def method_refused() -> PardotError:
    """What a method that a resource lacks answers."""
    return PardotError(METHOD, "Invalid HTTP request method")


def _join(unit: Unit, body: Mapping[str, Any]) -> Record:
    """Put a prospect on a static list; raises BAD_LIST or ON_LIST."""
    chosen = unit.store.table(unit.account, LISTS.name).get(_id(body.get("listId")))
    if chosen is None or chosen["isDeleted"] or chosen["isDynamic"]:
        raise PardotError(BAD_LIST, f"listId: {body.get('listId')} is no static list")
    values = unit.values(MEMBERSHIPS, body, creating=True)
    for row in unit.store.table(unit.account, MEMBERSHIPS.name).values():
        same = (row["listId"], row["prospectId"]) == (values["listId"], values["prospectId"])
        if same and not row["isDeleted"]:
            message = "The prospect is on this list already; update the list membership instead."
            raise PardotError(ON_LIST, message)
    return unit.add(MEMBERSHIPS, values)


def _id(value: object) -> int:
    return value if isinstance(value, int) else int(value) if isinstance(value, str) and value.isdigit() else 0


def _check_custom(unit: Unit, values: Record) -> None:
    if values["type"] not in CUSTOM_KINDS:
        raise PardotError(BAD_RANGE, f"type: must be one of {', '.join(CUSTOM_KINDS)}, not {values['type']!r}")
    if not values["fieldId"].endswith("__c") or values["fieldId"] in unit.kinds(PROSPECTS):
        raise PardotError(UNKNOWN_PROPERTY, f"fieldId: {values['fieldId']!r} must be new and end in __c")
