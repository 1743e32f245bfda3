"""The objects that the source reads, and how each is walked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from connectors import accounts
from connectors.errors import FatalError
from connectors.pardot.prospects import FETCHED, OBJECT
from connectors.ports import Account


@dataclass(frozen=True, slots=True)
class Polled:
    """One object.

    Attributes:
        name: what its records are called in the inbox.
        path: its place in URLs.
        fields: what is asked for.
        stamp: the field that orders its versions.
        changes: records change and go to a recycle bin, and are walked by `updatedAt`; else they only ever come to be,
            and are walked by id.
    """

    name: str
    path: str
    fields: Sequence[str]
    stamp: str = "updatedAt"
    changes: bool = True


_POLLED = (
    Polled(OBJECT, "prospects", FETCHED),
    Polled(
        "ListMembership",
        "list-memberships",
        ("id", "listId", "prospectId", "optedOut", "isDeleted", "createdAt", "updatedAt"),
    ),
    Polled(
        "VisitorActivity",
        "visitor-activities",
        (
            *("id", "type", "typeName", "details", "prospectId", "visitorId", "campaignId", "emailId", "listEmailId"),
            *("formId", "formHandlerId", "landingPageId", "fileId", "customRedirectId", "opportunityId", "createdAt"),
        ),
        stamp="createdAt",
        changes=False,
    ),
)
POLLED: Mapping[str, Polled] = {polled.name: polled for polled in _POLLED}


def polled_by(account: Account) -> Sequence[Polled]:
    """Return the objects of setting `objects`, each with the fields that `fields.<Object>` adds.

    Raises:
        FatalError: one is not read here; the message names it.
    """
    return [_with_fields(account, name) for name in accounts.names(account, "objects")]


def fields_of(account: Account, polled: Polled) -> list[str]:
    """Return what is asked for of an object."""
    return list(dict.fromkeys((*polled.fields, *accounts.names(account, f"fields.{polled.name}"))))


def _with_fields(account: Account, name: str) -> Polled:
    known = POLLED.get(name)
    if known is None:
        raise FatalError(
            f"{accounts.where(account)}: setting objects names {name!r}; it may name {', '.join(sorted(POLLED))}"
        )
    return Polled(known.name, known.path, fields_of(account, known), known.stamp, known.changes)
