"""Creating, changing and deleting records: what every object has in common. Its own rules are in `rules`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from connectors.sandbox.salesforce.changes import Record
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field, moment_of, read_value, stamp
from connectors.sandbox.salesforce.ids import canonical_id
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit
from connectors.sandbox.salesforce.rules import CASCADES, RULES

# A record and its dependents are deleted in one transaction, so their stamps are all but equal.
_SAME_DELETE = timedelta(milliseconds=5)
_SYSTEM_USER_FIELDS = ("CreatedById", "LastModifiedById")


def create(unit: Unit, base: SObject, body: Mapping[str, Any]) -> str:
    """Insert a record and return its id.

    Raises:
        ApiError: A row error such as REQUIRED_FIELD_MISSING, INVALID_FIELD or DUPLICATE_VALUE.
    """
    _check_writable(base)
    given = _values(unit, base, body, creating=True)
    user = unit.user["Id"]
    record: Record = {name: field.default for name, field in base.fields.items()}
    record |= {name: False for name, field in base.fields.items() if field.kind == "boolean" and field.default is None}
    record |= given
    record |= {"Id": unit.org.next_id(base.prefix), "CreatedDate": stamp(unit.now)}
    record |= dict.fromkeys(_SYSTEM_USER_FIELDS, user)
    if "OwnerId" in base.fields:
        record["OwnerId"] = record["OwnerId"] or user
    _store(unit, base, None, record, given)
    return str(record["Id"])


def update(unit: Unit, base: SObject, record_id: str, body: Mapping[str, Any]) -> None:
    """Change the given fields of a record.

    Raises:
        ApiError: NOT_FOUND, ENTITY_IS_DELETED, or a row error.
    """
    _check_writable(base)
    before = existing(unit, base, record_id)
    given = _values(unit, base, body, creating=False)
    record = dict(before) | given
    record["LastModifiedById"] = unit.user["Id"]
    _store(unit, base, before, record, given)


def delete(unit: Unit, base: SObject, record_id: str) -> None:
    """Move a record, and those that cannot live without it, to the recycle bin.

    Raises:
        ApiError: NOT_FOUND or ENTITY_IS_DELETED.
    """
    _check_writable(base)
    before = existing(unit, base, record_id)
    for name, field in CASCADES.get(base.name, ()):
        for dependent in list(unit.scan(name, **{field: record_id})):
            delete(unit, unit.org.schema.addressed(name), dependent["Id"])
    record = dict(before) | {"IsDeleted": True, "LastModifiedById": unit.user["Id"]}
    unit.put(base.name, record)
    rule = RULES.get(base.name)
    if rule:
        rule.after(unit, before, record)


def purge(unit: Unit, base: SObject, record_id: str) -> None:
    """Remove a record for good, whether it is in the recycle bin or not.

    Raises:
        ApiError: NOT_FOUND.
    """
    found = unit.get(base.name, record_id)
    if found is None:
        raise ApiError("NOT_FOUND", "The requested resource does not exist")
    if not found["IsDeleted"]:
        delete(unit, base, record_id)
    unit.purge(base.name, record_id)


def undelete(unit: Unit, base: SObject, record_id: str) -> None:
    """Take a record out of the recycle bin, with what was deleted along with it.

    Raises:
        ApiError: NOT_FOUND, UNDELETE_FAILED for a record that is not in the bin, or a row error.
    """
    _check_writable(base)
    found = unit.get(base.name, record_id)
    if found is None:
        raise ApiError("NOT_FOUND", "The requested resource does not exist")
    if not found["IsDeleted"] or found.get("MasterRecordId"):
        raise ApiError("UNDELETE_FAILED", "Entity is not in the recycle bin")
    deleted = moment_of(found["SystemModstamp"])
    record = found | {"IsDeleted": False, "LastModifiedById": unit.user["Id"]}
    _check_unique(unit, base, record, record)
    unit.put(base.name, record)
    for name, field in CASCADES.get(base.name, ()):
        for row in list(unit.rows(name)):
            along = abs(moment_of(row["SystemModstamp"]) - deleted) <= _SAME_DELETE
            if row["IsDeleted"] and row[field] == record_id and along:
                undelete(unit, unit.org.schema.addressed(name), row["Id"])
    rule = RULES.get(base.name)
    if rule:
        rule.after(unit, found, record)


def empty_bin(unit: Unit, base: SObject, record_id: str) -> None:
    """Remove a record from the recycle bin for good; raises NOT_FOUND or INVALID_ID_FIELD for a live one."""
    found = unit.get(base.name, record_id)
    if found is not None and not found["IsDeleted"]:
        raise ApiError("INVALID_ID_FIELD", "Entity is not in the recycle bin")
    purge(unit, base, record_id)


@contextmanager
def as_row() -> Iterator[None]:
    """A row whose record is missing has another code than a URL without a resource."""
    try:
        yield
    except ApiError as error:
        if error.code != "NOT_FOUND":
            raise
        raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id") from None


def existing(unit: Unit, base: SObject, record_id: str) -> Record:
    """The live record; raises NOT_FOUND or ENTITY_IS_DELETED."""
    found = unit.get(base.name, record_id)
    if found is None:
        raise ApiError("NOT_FOUND", "The requested resource does not exist")
    if found["IsDeleted"]:
        raise ApiError("ENTITY_IS_DELETED", "entity is deleted")
    return found


def addressed_id(text: str) -> str:
    """The 18-character id of a URL or row; raises MALFORMED_ID."""
    found = canonical_id(text)
    if found is None:
        raise ApiError("MALFORMED_ID", f"malformed id {text}", ["Id"])
    return found


def matching(unit: Unit, base: SObject, field: Field, value: str) -> list[Record]:
    """Live records whose external id has that value, text compared without case."""
    return unit.holding(base.name, field.name, read_value(field, value))


def _check_writable(base: SObject) -> None:
    if not base.write:
        message = f"entity type {base.name} cannot be written through this sandbox's API"
        raise ApiError("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", message)


def _values(unit: Unit, base: SObject, body: Mapping[str, Any], *, creating: bool) -> Record:
    given: Record = {}
    refused: list[str] = []
    for name, value in body.items():
        if name == "attributes":
            continue
        field = base.field(name)
        relation = base.parent(name)
        if field is None and relation is not None and isinstance(value, dict):
            given[relation.name] = _parent_by_external_id(unit, relation, value)
        elif field is None:
            raise ApiError("INVALID_FIELD", f"No such column '{name}' on sobject of type {base.name}")
        elif not (field.create if creating else field.update):
            refused.append(field.name)
        else:
            given[field.name] = read_value(field, value)
    if refused:
        message = (
            f"Unable to create/update fields: {', '.join(refused)}. Please check the security settings of this "
            "field and verify that it is read/write for your profile or permission set."
        )
        raise ApiError("INVALID_FIELD_FOR_INSERT_UPDATE", message, refused)
    return given


def _parent_by_external_id(unit: Unit, relation: Field, value: Mapping[str, Any]) -> str:
    """A parent named as `{"Account": {"Sluiceway_Id__c": "7"}}`."""
    target = unit.org.schema.addressed(relation.refers or "")
    keys = [(target.field(name), key) for name, key in value.items() if name != "attributes"]
    field, key = keys[0] if len(keys) == 1 else (None, None)
    if field is None or not field.external:
        raise ApiError("INVALID_FIELD", f"{relation.relation}: give one external id field of {target.name}")
    found = matching(unit, target, field, str(key))
    if len(found) != 1:
        message = f"Foreign key external ID: {key} not found for field {field.name} in entity {target.name}"
        raise ApiError("INVALID_FIELD", message)
    return str(found[0]["Id"])


def _store(unit: Unit, base: SObject, before: Record | None, record: Record, given: Record) -> None:
    rule = RULES.get(base.name)
    _check_references(unit, base, given)
    if rule:
        rule.before(unit, before, record, given)
    missing = [name for name, field in base.fields.items() if field.required and record.get(name) is None]
    if missing:
        message = f"Required fields are missing: [{', '.join(missing)}]"
        raise ApiError("REQUIRED_FIELD_MISSING", message, missing)
    _check_unique(unit, base, record, given)
    unit.put(base.name, record)
    if rule:
        rule.after(unit, before, record)


def _check_references(unit: Unit, base: SObject, given: Record) -> None:
    for name, value in given.items():
        field = base.fields[name]
        if field.refers is None or value is None:
            continue
        target = unit.org.schema.addressed(field.refers)
        if not value.startswith(target.prefix):
            message = f"{name}: id value of incorrect type: {value}"
            raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, [name])
        found = unit.get(target.name, value)
        if found is None:
            raise ApiError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", [name])
        if found["IsDeleted"]:
            raise ApiError("ENTITY_IS_DELETED", "entity is deleted", [name])


def _check_unique(unit: Unit, base: SObject, record: Record, given: Record) -> None:
    for name, value in given.items():
        field = base.fields[name]
        if not field.unique or value is None:
            continue
        for other in matching(unit, base, field, value):
            if other["Id"] != record["Id"]:
                message = f"duplicate value found: {name} duplicates value on record with id: {other['Id'][:15]}"
                raise ApiError("DUPLICATE_VALUE", message, [name])
