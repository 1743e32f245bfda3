"""Upserting one row by an external id or the record's id, for collections and bulk jobs."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit


def external_key(base: SObject, name: str) -> Field:
    """The external id field of that name; raises NOT_FOUND."""
    field = base.field(name)
    if field is None or not field.external:
        message = f"Provided external ID field does not exist or is not accessible: {name}"
        raise ApiError("NOT_FOUND", message)
    return field


def upsert(unit: Unit, base: SObject, name: str, row: Mapping[str, Any]) -> tuple[str, bool]:
    """Change the record that the row's key names, or make one.

    Returns:
        The record's id and whether it was made.

    Raises:
        ApiError: MISSING_ARGUMENT, DUPLICATE_EXTERNAL_ID, or a row error.
    """
    if name.lower() == "id":
        return _by_id(unit, base, row)
    field = external_key(base, name)
    value = next((row[key] for key in row if key.lower() == field.name.lower()), None)
    if value is None:
        raise ApiError("MISSING_ARGUMENT", f"{field.name} not specified", [field.name])
    found = records.matching(unit, base, field, str(value))
    if len(found) > 1:
        message = f"{field.name}: more than one record found for external id field"
        raise ApiError("DUPLICATE_EXTERNAL_ID", message, [field.name])
    if not found:
        return records.create(unit, base, row), True
    records.update(unit, base, found[0]["Id"], row)
    return str(found[0]["Id"]), False


def _by_id(unit: Unit, base: SObject, row: Mapping[str, Any]) -> tuple[str, bool]:
    body = {name: value for name, value in row.items() if name.lower() != "id"}
    given = next((value for name, value in row.items() if name.lower() == "id"), None)
    if given is None:
        return records.create(unit, base, body), True
    record_id = records.addressed_id(given)
    with records.as_row():
        records.update(unit, base, record_id, body)
    return record_id, False
