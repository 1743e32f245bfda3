"""Prospects as Pardot wants and gives them."""

from collections.abc import Mapping
from typing import Any

from connectors.errors import RejectedError
from connectors.wire import iso_micros, parse_instant

OBJECT = "Prospect"
OPT_OUTS = frozenset({"optedOut", "isDoNotEmail", "isDoNotCall", "doNotSell"})
"""Only ever set, never taken back: an older `false` must not undo a person's wish."""
ALWAYS = ("id", "email", "updatedAt")
FETCHED = (
    *("id", "email", "salutation", "firstName", "lastName", "company", "website", "industry", "jobTitle", "phone"),
    *("source", "addressOne", "addressTwo", "city", "state", "zip", "country", "score", "grade", "campaignId"),
    *("optedOut", "isDoNotEmail", "isDeleted", "salesforceId", "salesforceContactId", "salesforceLeadId"),
    *("salesforceAccountId", "createdAt", "updatedAt"),
)


def email_of(body: Mapping[str, Any]) -> str:
    """Return the address in lower case, as Pardot may take another case for another person.

    Raises:
        RejectedError: there is none.
    """
    email = str(body.get("email") or "").strip().lower()
    if not email:
        raise RejectedError("Pardot sink: field email is missing; a prospect is known by its address")
    return email


def content_of(body: Mapping[str, Any], email: str) -> dict[str, Any]:
    """Return what may be sent: address in lower case, no opt-out taken back, no id."""
    sent = {name: value for name, value in body.items() if name != "id" and not (name in OPT_OUTS and not value)}
    return {**sent, "email": email}


def version_of(prospect: Mapping[str, Any]) -> str:
    """Return `updatedAt` as `2026-01-31T12:00:00.000000Z`, `""` where it is unreadable."""
    try:
        return iso_micros(parse_instant(str(prospect["updatedAt"])))
    except (KeyError, ValueError):
        return ""
