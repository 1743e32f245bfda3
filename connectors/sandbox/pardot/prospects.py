"""What is special about prospects: addresses, upsert by the latest, and coming back from the bin."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.pardot.catalogue import PROSPECTS
from connectors.sandbox.pardot.errors import EXISTS, IN_USE, NO_ARGUMENT, PardotError, not_found
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.unit import Unit


def create(unit: Unit, body: Mapping[str, Any]) -> Record:
    """Make a prospect; raises EXISTS where addresses are unique in the unit."""
    values = unit.values(PROSPECTS, body, creating=True)
    _check_free(unit, values["email"], None, EXISTS)
    return unit.add(PROSPECTS, {"score": 0, **values})


def update(unit: Unit, record: Record, body: Mapping[str, Any]) -> Record:
    """Change a prospect, which takes it out of the bin; raises IN_USE where its address must be unique and is not."""
    values = unit.values(PROSPECTS, body, creating=False)
    if "email" in values:
        _check_free(unit, values["email"], record["id"], IN_USE)
    return unit.change(PROSPECTS, record, {**values, "isDeleted": False})


def upsert_latest_by_email(unit: Unit, body: Mapping[str, Any]) -> tuple[Record, bool]:
    """Update the prospect of an address that was active last, or make one; says whether it was made.

    A match in the bin is taken back and updated when `secondaryDeletedSearch` is true, and always where addresses
    are unique.
    """
    prospect: dict[str, Any] = body["prospect"]
    address = body.get("matchEmail") or prospect.get("email")
    if not address:
        raise PardotError(NO_ARGUMENT, "matchEmail: this argument is required where prospect has no email")
    found = latest(unit, str(address), deleted=False)
    if found is None and (body.get("secondaryDeletedSearch") is True or not unit.ampsea):
        found = latest(unit, str(address), deleted=True)
    if found is None:
        return create(unit, {"email": address, **prospect}), True
    return update(unit, found, prospect), False


def undelete(unit: Unit, body: Mapping[str, Any], record_id: int | None) -> Record:
    """Take back the binned prospect of `matchEmail` that was active last, or the one of an id."""
    if record_id is None and not body.get("matchEmail"):
        raise PardotError(NO_ARGUMENT, "matchEmail: this argument is required")
    found = _binned(unit, record_id) if record_id else latest(unit, str(body["matchEmail"]), deleted=True)
    if found is None:
        raise not_found()
    _check_free(unit, found["email"], found["id"], IN_USE)
    return unit.change(PROSPECTS, found, {"isDeleted": False})


def _binned(unit: Unit, record_id: int) -> Record | None:
    found = unit.now(PROSPECTS, record_id)
    return found if found is not None and found["isDeleted"] else None


def latest(unit: Unit, address: str, *, deleted: bool) -> Record | None:
    """The prospect of an address that was active last, in the bin or not in it."""
    found = [row for row in unit.having(PROSPECTS, "email", address) if row["isDeleted"] == deleted]
    return max(found, key=lambda row: (row.get("lastActivityAt") or "", row["updatedAt"], row["id"]), default=None)


def _check_free(unit: Unit, address: str, own_id: int | None, code: int) -> None:
    if unit.ampsea:
        return
    holders = unit.having(PROSPECTS, "email", address)
    if any(row["id"] != own_id and not row["isDeleted"] for row in holders):
        raise PardotError(code, f"email: a prospect with the email address {address} exists already")
