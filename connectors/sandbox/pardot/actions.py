"""Record actions: `POST …/do/<action>` and `POST …/<id>/do/<action>`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from connectors.sandbox.pardot import prospects
from connectors.sandbox.pardot.catalogue import CAMPAIGNS, PROSPECTS, TAGGED, TAGS, VISITORS
from connectors.sandbox.pardot.errors import (
    BAD_ARGUMENT,
    BAD_VISITOR,
    NO_ARGUMENT,
    NOT_CONNECTED,
    UNKNOWN_ACTION,
    UNKNOWN_ARGUMENT,
    PardotError,
)
from connectors.sandbox.pardot.objects import Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit

Done: TypeAlias = tuple[Record, bool]
"""The record, and whether it was made just now."""


@dataclass(frozen=True, slots=True)
class Action:
    """What an action takes: its arguments with their JSON types, those it cannot do without, and what it does."""

    run: Callable[[Unit, Object, int | None, Mapping[str, Any]], Done]
    arguments: Mapping[str, type]
    required: tuple[str, ...] = ()
    on_record: bool = True
    on_object: bool = False


def act(unit: Unit, target: Object, record_id: int | None, name: str, body: Mapping[str, Any]) -> Done:
    """Carry out an action.

    Raises:
        PardotError: UNKNOWN_ACTION, BAD_ARGUMENT, NO_ARGUMENT, UNKNOWN_ARGUMENT, or what the action is refused for.
    """
    action = _action(target, name)
    if action is None or not (action.on_object if record_id is None else action.on_record):
        raise PardotError(UNKNOWN_ACTION, f"{name}: action name is either missing or incorrect for {target.name}")
    for argument, value in body.items():
        if argument not in {*action.arguments, "fields"}:
            raise PardotError(UNKNOWN_ARGUMENT, f"{argument}: unknown action argument")
        if argument != "fields" and value is not None and type(value) is not action.arguments[argument]:
            raise PardotError(BAD_ARGUMENT, f"{argument}: invalid action argument value")
    for argument in action.required:
        if body.get(argument) is None:
            raise PardotError(NO_ARGUMENT, f"{argument}: missing required action argument")
    return action.run(unit, target, record_id, body)


def _action(target: Object, name: str) -> Action | None:
    if name in {"addTag", "removeTag"} and target.tagged:
        return Action(_add_tag if name == "addTag" else _remove_tag, {"tagId": int, "tagName": str})
    return _ACTIONS.get((target.name, name))


def _upsert(unit: Unit, _target: Object, _id: int | None, body: Mapping[str, Any]) -> Done:
    return prospects.upsert_latest_by_email(unit, body)


def _undelete(unit: Unit, _target: Object, record_id: int | None, body: Mapping[str, Any]) -> Done:
    return prospects.undelete(unit, body, record_id), False


def _connect(unit: Unit, target: Object, record_id: int | None, body: Mapping[str, Any]) -> Done:
    if not unit.setting("connected_campaigns"):
        raise PardotError(NOT_CONNECTED, "Feature state is invalid: Connected Campaigns is not enabled.")
    record = unit.current(target, record_id or 0)
    return unit.change(target, record, {"salesforceId": body["salesforceId"]}), False


def _assign(unit: Unit, target: Object, record_id: int | None, body: Mapping[str, Any]) -> Done:
    record = unit.current(target, record_id or 0)
    unit.check_parents(target, body)
    return unit.change(target, record, {"prospectId": body["prospectId"], "isIdentified": True}), False


def _identify(unit: Unit, target: Object, record_id: int | None, _body: Mapping[str, Any]) -> Done:
    record = unit.current(target, record_id or 0)
    if not record.get("isIdentified") or not record.get("ipAddress"):
        raise PardotError(BAD_VISITOR, "Visitor is invalid.")
    return record, False


def _add_tag(unit: Unit, target: Object, record_id: int | None, body: Mapping[str, Any]) -> Done:
    record = unit.current(target, record_id or 0)
    tag = _tag(unit, body) or unit.add(TAGS, {"name": body["tagName"], "objectCount": 0})
    if _tagging(unit, target, record, tag) is None:
        unit.add(TAGGED, {"tagId": tag["id"], "objectType": target.name, "objectId": record["id"]})
        unit.change(TAGS, tag, {"objectCount": (tag.get("objectCount") or 0) + 1})
    return record, False


def _remove_tag(unit: Unit, target: Object, record_id: int | None, body: Mapping[str, Any]) -> Done:
    record = unit.current(target, record_id or 0)
    tag = _tag(unit, body)
    found = _tagging(unit, target, record, tag) if tag is not None else None
    if tag is not None and found is not None:
        unit.store.remove(unit.account, TAGGED.name, found)
        unit.change(TAGS, tag, {"objectCount": tag["objectCount"] - 1})
    return record, False


def _tag(unit: Unit, body: Mapping[str, Any]) -> Record | None:
    if "tagId" in body:
        return unit.current(TAGS, body["tagId"])
    if "tagName" not in body:
        raise PardotError(NO_ARGUMENT, "tagName: missing required action argument")
    return next(iter(unit.having(TAGS, "name", body["tagName"])), None)


def _tagging(unit: Unit, target: Object, record: Record, tag: Record) -> Record | None:
    rows = unit.having(TAGGED, "objectId", record["id"])
    return next((row for row in rows if (row["tagId"], row["objectType"]) == (tag["id"], target.name)), None)


_ACTIONS: Mapping[tuple[str, str], Action] = {
    (PROSPECTS.name, "upsertLatestByEmail"): Action(
        _upsert,
        {"matchEmail": str, "prospect": dict, "secondaryDeletedSearch": bool},
        required=("prospect",),
        on_record=False,
        on_object=True,
    ),
    # By id only a public client asks; the guide has it by address.
    (PROSPECTS.name, "undelete"): Action(_undelete, {"matchEmail": str}, on_object=True),
    (CAMPAIGNS.name, "connectSalesforceCampaign"): Action(_connect, {"salesforceId": str}, ("salesforceId",)),
    (VISITORS.name, "assignToProspect"): Action(_assign, {"prospectId": int}, ("prospectId",)),
    (VISITORS.name, "identifyCompany"): Action(_identify, {}),
}
