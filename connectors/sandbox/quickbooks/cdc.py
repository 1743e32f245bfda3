"""Change data capture: what changed since an instant, deletions as stubs.

Source: developer.intuit.com, "Change data capture": 30 days back, 1000 objects in all, no paging. Which error an older
`changedSince` gives is not published; 4001 stands in for it.
"""

from datetime import timedelta
from typing import Any

from connectors.sandbox.quickbooks.company import Company, Entity
from connectors.sandbox.quickbooks.fault import QboError, missing
from connectors.sandbox.quickbooks.kinds import BY_PATH
from connectors.sandbox.quickbooks.select import instant

LOOK_BACK = timedelta(days=30)
MOST = 1000


def changes(company: Company, entities: str | None, changed_since: str | None) -> dict[str, Any]:
    """The content of one CDCResponse entry. Raises 2020 and 4001."""
    if not entities:
        raise missing("entities")
    if not changed_since:
        raise missing("changedSince")
    try:
        since = instant(changed_since)
    except ValueError:
        raise QboError("4001", f"changedSince is not a date-time. Supplied value:{changed_since}") from None
    if since < company.now() - LOOK_BACK:
        raise QboError("4001", "changedSince must be within the last 30 days")
    answers: list[dict[str, Any]] = []
    left = MOST
    for name in entities.split(","):
        kind = BY_PATH.get(name.strip().lower())
        if kind is None or not kind.in_cdc:
            raise QboError("4001", f"Entity {name.strip()} is not supported in change data capture")
        # MetaData has whole seconds, so the bound counts in whole seconds too.
        database, bound = company.ctx.database, since.replace(microsecond=0)
        stored_since = bound - company.skew
        found = database.changed(company.account, kind.name, stored_since)
        found += database.changed(company.account, f"deleted {kind.name}", stored_since)
        rows = [entity for entity in found if _changed_at(entity) >= bound.isoformat()][:left]
        left -= len(rows)
        if rows:
            answers.append({kind.name: rows, "startPosition": 1, "maxResults": len(rows)})
    return {"QueryResponse": answers or [{}]}


def _changed_at(entity: Entity) -> str:
    return instant(entity["MetaData"]["LastUpdatedTime"]).isoformat()
