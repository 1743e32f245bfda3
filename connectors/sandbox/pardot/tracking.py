"""What no caller of the API does but visitors, marketers and the service itself: a stand-in below `/sandbox/`."""

from datetime import datetime

from connectors.sandbox.pardot.catalogue import ACTIVITIES, HISTORIES, PROSPECTS, STAGES
from connectors.sandbox.pardot.errors import MISSING, UNKNOWN_PROPERTY, PardotError
from connectors.sandbox.pardot.objects import Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit
from connectors.sandbox.pardot.values import kept


def record(unit: Unit, target: Object, body: Record) -> Record:
    """Store a record of any object with any of its fields, and what follows from it for the prospect.

    Raises:
        PardotError: UNKNOWN_PROPERTY, MISSING, or what a value is refused for.
    """
    values = {name: kept(name, _kind(target, name), value) for name, value in body.items()}
    unit.check_parents(target, values)
    if target is ACTIVITIES:
        return _acted(unit, values)
    if target is HISTORIES:
        return _staged(unit, values)
    return unit.add(target, values)


def _kind(target: Object, name: str) -> str:
    if name not in target.fields or name == "id":
        raise PardotError(UNKNOWN_PROPERTY, f"{name}: invalid property of {target.name}")
    return target.fields[name]


def _acted(unit: Unit, values: Record) -> Record:
    """A visitor's activity moves the prospect's lastActivityAt."""
    if values.get("type") is None:
        raise PardotError(MISSING, "type: this property is required")
    made = unit.add(ACTIVITIES, values)
    prospect = unit.now(PROSPECTS, made.get("prospectId") or 0)
    if prospect is not None:
        first = prospect.get("firstActivityAt") or made["createdAt"]
        unit.change(PROSPECTS, prospect, {"lastActivityAt": made["createdAt"], "firstActivityAt": first})
    return made


def _staged(unit: Unit, values: Record) -> Record:
    """A step in the lifecycle knows where it came from, and how long that took."""
    prospect, stage = (unit.now(found, values.get(name) or 0) for found, name in _STEP)
    if prospect is None or stage is None:
        raise PardotError(MISSING, "prospectId, nextStageId: these properties are required")
    before = unit.having(HISTORIES, "prospectId", prospect["id"])
    since = before[-1]["createdAt"] if before else prospect["createdAt"]
    elapsed = unit.ctx.clock.now() - datetime.fromisoformat(since)
    seconds = {"previousStageId": prospect.get("lifecycleStageId"), "secondsElapsed": int(elapsed.total_seconds())}
    made = unit.add(HISTORIES, {**seconds, **values})
    unit.change(PROSPECTS, prospect, {"lifecycleStageId": stage["id"]})
    return made


_STEP = ((PROSPECTS, "prospectId"), (STAGES, "nextStageId"))
