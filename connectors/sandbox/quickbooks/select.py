"""The query language's meaning: `Query` to objects."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from connectors.sandbox.quickbooks.company import PACIFIC, Company, Entity
from connectors.sandbox.quickbooks.fault import QboError
from connectors.sandbox.quickbooks.furnish import shown_preferences
from connectors.sandbox.quickbooks.kinds import BY_PATH, Kind
from connectors.sandbox.quickbooks.query import TODAY, Condition, Query, Value, parse

INDEXED = {"DisplayName": "DisplayName", "Name": "Name", "DocNumber": "DocNumber", "CustomerRef": "CustomerRef.value"}
NOT_IN_ALL = frozenset({"Sku"})
"""`SELECT *` leaves these out; `SELECT *, Sku` has them (python-quickbooks, changelog)."""
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda left, right: bool(left == right),
    "<": lambda left, right: bool(left < right),
    ">": lambda left, right: bool(left > right),
    "<=": lambda left, right: bool(left <= right),
    ">=": lambda left, right: bool(left >= right),
}


def run(company: Company, statement: str) -> dict[str, Any]:
    """Answer a statement with the content of QueryResponse. Raises 4000 and 4001."""
    query = parse(statement)
    kind = BY_PATH.get(query.entity.lower())
    if kind is None:
        raise QboError("4001", f"QueryValidationError: entity '{query.entity}' is not queryable")
    tests = [_test(company, kind, condition) for condition in query.conditions]
    if kind.has_active and not any(condition.field.lower() == "active" for condition in query.conditions):
        tests.append(lambda entity: entity.get("Active") is not False)
    sort = [(_field(kind, name), descending) for name, descending in query.order]
    found = [entity for entity in _candidates(company, kind, query) if all(test(entity) for test in tests)]
    if query.count:
        return {"totalCount": len(found)}
    found.sort(key=lambda entity: _id_order(entity["Id"]))
    for (path, type_), descending in reversed(sort):
        found.sort(key=lambda entity: _sort_key(entity, path, type_), reverse=descending)
    page = [company.require(kind.name, entity["Id"]) for entity in found[query.start - 1 :][: query.size]]
    if not page:
        return {}
    if kind.name == "Preferences":
        page = [shown_preferences(company, entity) for entity in page]
    rows = [_project(kind, entity, query.columns) for entity in page]
    return {kind.name: rows, "startPosition": query.start, "maxResults": len(page)}


def instant(text: str) -> datetime:
    """A date or a date-time as the API takes it; without an offset it is Pacific. Raises ValueError."""
    value = datetime.fromisoformat(text.strip().replace(" ", "+") if "T" in text else text.strip())
    return (value if value.tzinfo else value.replace(tzinfo=PACIFIC)).astimezone(UTC)


def _candidates(company: Company, kind: Kind, query: Query) -> list[Entity]:
    """Return what the conditions may hold for, with the properties that conditions and order speak of."""
    for condition in query.conditions:
        values = [str(value) for value in condition.values]
        if condition.operator not in {"=", "in"} or not all(value.isascii() for value in values):
            continue
        path, _ = _field(kind, condition.field)
        if path == "Id":
            return [found for value in dict.fromkeys(values) if (found := company.get(kind.name, value))]
        if path in INDEXED:
            return company.find(kind.name, INDEXED[path], *values)
    asked = [_field(kind, name)[0] for name in (*(one.field for one in query.conditions), *dict(query.order))]
    return company.parts(kind.name, *{path.partition(".")[0]: None for path in ("Id", "Active", *asked)})


def _field(kind: Kind, name: str) -> tuple[str, str]:
    found = kind.query.get(name.lower())
    if found is None:
        raise QboError("4001", f"QueryValidationError: property '{name}' is not queryable")
    return found


def _test(company: Company, kind: Kind, condition: Condition) -> Callable[[Entity], bool]:
    path, type_ = _field(kind, condition.field)
    if type_ == "id" and condition.operator not in {"=", "in"}:
        raise QboError("4001", f"QueryValidationError: operator '{condition.operator}' is not supported for Id")
    if condition.operator == "like":
        pattern = _pattern(str(condition.values[0]))
        return lambda entity: pattern.fullmatch(str(_get(entity, path) or "")) is not None
    wanted = [_convert(_today(company, value), type_, condition.field) for value in condition.values]
    if condition.operator == "in":
        return lambda entity: _stored(entity, path, type_) in wanted
    compare = COMPARE[condition.operator]

    def test(entity: Entity) -> bool:
        stored = _stored(entity, path, type_)
        return stored is not None and compare(stored, wanted[0])

    return test


def _today(company: Company, value: Value) -> Value:
    return company.today().isoformat() if value == TODAY else value


def _convert(value: Value, type_: str, name: str) -> Any:
    try:
        match type_:
            case "number":
                return Decimal(value) if not isinstance(value, bool) else Decimal(int(value))
            case "bool":
                return str(value).lower() == "true"
            case "time":
                return instant(str(value))
            case "date":
                return datetime.fromisoformat(str(value)).date().isoformat()
            case _:
                return str(value).casefold()
    except (ValueError, InvalidOperation):
        detail = f"QueryValidationError: value '{value}' is not valid for property '{name}'"
        raise QboError("4001", detail) from None


def _stored(entity: Entity, path: str, type_: str) -> Any:
    value = _get(entity, path)
    return None if value is None else _convert(value, type_, path)


def _get(entity: Entity, path: str) -> Any:
    value: Any = entity
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, dict):
        return value.get("value", value.get("Address"))
    return value


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in text.split("%")), re.IGNORECASE | re.DOTALL)


def _sort_key(entity: Entity, path: str, type_: str) -> tuple[bool, Any]:
    value = _stored(entity, path, type_)
    if type_ == "id":
        return True, _id_order(str(value))
    return value is not None, value if value is not None else 0


def _id_order(id_: str) -> tuple[int, str]:
    return (int(id_), "") if id_.isdigit() else (0, id_)


def _project(kind: Kind, entity: Entity, columns: tuple[str, ...]) -> Entity:
    if "*" in columns:
        asked = {column.lower() for column in columns}
        return {name: value for name, value in entity.items() if name not in NOT_IN_ALL or name.lower() in asked}
    names = {name.lower(): name for name in kind.properties}
    chosen = {"Id": entity["Id"], "domain": "QBO", "sparse": True}
    for column in columns:
        name = names.get(column.split(".")[0].lower())
        if name is None:
            raise QboError("4001", f"QueryValidationError: property '{column}' is not queryable")
        if name in entity:
            chosen[name] = entity[name]
    return chosen
