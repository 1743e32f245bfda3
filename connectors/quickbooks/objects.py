"""What QuickBooks objects have in common: version, our reference in them, the display name QuickBooks would build."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from connectors.errors import RejectedError
from connectors.ports import Outcome, RemoteRef
from connectors.wire import dumps, iso_micros, parse_instant

TRANSACTIONS = frozenset({"Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt", "Payment"})
MARKED: Mapping[str, tuple[str, int]] = {
    "Customer": ("Notes", 2000),
    **dict.fromkeys(TRANSACTIONS, ("PrivateNote", 4000)),
}
"""Where our reference goes, and how long that field may be. Items have no field that customers do not see."""
NAME_PARTS = ("Title", "GivenName", "MiddleName", "FamilyName", "Suffix")
TOKEN_DIGITS = 10


def version_of(entity: Mapping[str, Any]) -> str:
    """Return `LastUpdatedTime` in UTC and the SyncToken, `2026-01-31T12:00:00.000000Z/0000000003`.

    Text order is version order; a webhook's version is the time alone and so precedes every state of its second.

    Raises:
        RejectedError: the object has no readable MetaData.LastUpdatedTime.
    """
    try:
        updated = iso_micros(parse_instant(entity["MetaData"]["LastUpdatedTime"]))
    except (KeyError, TypeError, ValueError) as error:
        raise RejectedError(f"QuickBooks object {entity.get('Id')}: MetaData.LastUpdatedTime is unreadable") from error
    return f"{updated}/{str(entity.get('SyncToken', '0')).rjust(TOKEN_DIGITS, '0')}"


def deletion_version(at: datetime) -> str:
    """Return the version of a deletion, after every state of the object up to that instant of QuickBooks' clock."""
    return f"{iso_micros(at)}/{'9' * TOKEN_DIGITS}"


def stored(entity: Mapping[str, Any], fallback: RemoteRef | None = None) -> Outcome:
    """Return the outcome that an object QuickBooks answered with stands for."""
    remote = RemoteRef(
        str(entity.get("Id") or (fallback.id if fallback else "")),
        str(entity.get("SyncToken", fallback.sync_token if fallback else "")),
    )
    return Outcome(remote=remote, body=dumps(entity), version=_version_or_none(entity))


def _version_or_none(entity: Mapping[str, Any]) -> str:
    try:
        return version_of(entity)
    except RejectedError:  # the answer to a delete has none
        return ""


def marker(object_key: str) -> str:
    """Return our reference as it stands in the object."""
    return f"sluiceway:{object_key}"


def with_marker(entity: str, body: Mapping[str, Any], object_key: str) -> dict[str, Any]:
    """Return the body with our reference on a line of its own; the text there is cut to make room."""
    if entity not in MARKED:
        return dict(body)
    field, limit = MARKED[entity]
    line, text = marker(object_key), str(body.get(field) or "")
    if is_marked(text, object_key):
        return dict(body)
    room = limit - len(line) - 1
    return {**body, field: f"{text[:room].rstrip()}\n{line}" if text else line}


def is_marked(text: str, object_key: str) -> bool:
    """Tell whether the text has our reference as a whole word (a void prepends to the text)."""
    return re.search(rf"(?<!\S){re.escape(marker(object_key))}(?!\S)", text) is not None


def display_name(body: Mapping[str, Any]) -> str:
    """Return the DisplayName, or what QuickBooks makes of the name parts without one."""
    return str(body.get("DisplayName") or " ".join(str(body[part]) for part in NAME_PARTS if body.get(part)))
