"""Creating, changing and deleting, by object."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.pardot import prospects
from connectors.sandbox.pardot.catalogue import CUSTOM_FIELDS, LISTS, MEMBERSHIPS, PROSPECTS, TAGS
from connectors.sandbox.pardot.errors import (
    BAD_LIST,
    BAD_RANGE,
    METHOD,
    NAME_TAKEN,
    ON_LIST,
    UNKNOWN_PROPERTY,
    PardotError,
)
from connectors.sandbox.pardot.objects import CUSTOM_KINDS, Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit


def create(unit: Unit, target: Object, body: Mapping[str, Any]) -> Record:
    """Make a record; raises METHOD for objects that callers cannot make."""
    if not target.creates:
        raise method_refused()
    if target is PROSPECTS:
        return prospects.create(unit, body)
    if target is MEMBERSHIPS:
        return join(unit, body)
    values = unit.values(target, body, creating=True)
    if target is CUSTOM_FIELDS:
        _check_custom(unit, values)
    if target is TAGS:
        _check_name(unit, values["name"])
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
    """Move a record to the bin, or away where there is none."""
    if not target.changes:
        raise method_refused()
    unit.delete(target, record_id)


def method_refused() -> PardotError:
    """What a method that a resource lacks answers."""
    return PardotError(METHOD, "Invalid HTTP request method")


def join(unit: Unit, body: Mapping[str, Any]) -> Record:
    """Put a prospect on a static list; raises BAD_LIST or ON_LIST."""
    check_static(unit, body.get("listId"))
    values = unit.values(MEMBERSHIPS, body, creating=True)
    if membership(unit, values["listId"], values["prospectId"]) is not None:
        raise PardotError(ON_LIST, "The prospect is on this list already; update the list membership instead.")
    return unit.add(MEMBERSHIPS, values)


def check_static(unit: Unit, list_id: object) -> None:
    """Raise BAD_LIST unless the id is that of a static list."""
    text = str(list_id)
    chosen = unit.now(LISTS, int(text)) if text.isdigit() else None
    if chosen is None or chosen["isDeleted"] or chosen.get("isDynamic"):
        raise PardotError(BAD_LIST, f"listId: {list_id} is no static list")


def membership(unit: Unit, list_id: int, prospect_id: int) -> Record | None:
    """The membership that a prospect has of a list now."""
    found = unit.having(MEMBERSHIPS, "prospectId", prospect_id)
    return next((row for row in found if row["listId"] == list_id and not row["isDeleted"]), None)


def _check_custom(unit: Unit, values: Record) -> None:
    if values["type"] not in CUSTOM_KINDS:
        raise PardotError(BAD_RANGE, f"type: must be one of {', '.join(CUSTOM_KINDS)}, not {values['type']!r}")
    if not values["fieldId"].endswith("__c") or values["fieldId"] in unit.kinds(PROSPECTS):
        raise PardotError(UNKNOWN_PROPERTY, f"fieldId: {values['fieldId']!r} must be new and end in __c")


def _check_name(unit: Unit, name: str) -> None:
    if any(
        row["name"].casefold() == name.casefold() for row in unit.store.table(unit.account, TAGS.name).rows.values()
    ):
        raise PardotError(NAME_TAKEN, "The supplied name is already in use.")
