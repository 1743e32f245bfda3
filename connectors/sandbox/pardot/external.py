"""External activities: what other systems report of a prospect, known by its address."""

from starlette.responses import Response

from connectors.sandbox.pardot import jobs, prospects, resources, writes
from connectors.sandbox.pardot.call import Call
from connectors.sandbox.pardot.catalogue import EXTERNAL_ACTIVITIES
from connectors.sandbox.pardot.errors import BAD_EMAIL, BAD_RANGE, PardotError, not_found
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit


def answer(unit: Unit, call: Call) -> Response:
    """Answer one call; raises PardotError."""
    match call.method, call.steps:
        case "POST", ():
            return jobs.shown(unit, EXTERNAL_ACTIVITIES, _create(unit, call), call, 201)
        case _, ():
            return resources.query(unit, EXTERNAL_ACTIVITIES, jobs.all_fields(call, EXTERNAL_ACTIVITIES), jobs.API)
        case "GET", (text,):
            return jobs.shown(unit, EXTERNAL_ACTIVITIES, jobs.job(unit, EXTERNAL_ACTIVITIES, text), call)
        case _, (_,):
            raise writes.method_refused()
    raise not_found()


def _create(unit: Unit, call: Call) -> Record:
    values = unit.values(EXTERNAL_ACTIVITIES, call.body, creating=True)
    types = unit.setting("extensions").get(values["extension"])
    if types is None:
        raise PardotError(BAD_RANGE, f"extension: {values['extension']!r} is not active in this business unit")
    if values["type"] not in types:
        raise PardotError(BAD_RANGE, f"type: {values['type']!r} is not active in this extension")
    prospect = prospects.latest(unit, values["email"], deleted=False)
    if prospect is None:
        raise PardotError(BAD_EMAIL, "email: no prospect has this address")
    return unit.add(EXTERNAL_ACTIVITIES, {**values, "prospectId": prospect["id"]})
