"""WHERE, compiled into a predicate over rows.

SOQL's logic has two values: a comparison with an empty field is false, but `!=`, NOT IN and NOT LIKE hold for it.
"""

import operator
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from connectors.sandbox.salesforce.fields import NUMBERS, TEXTS, Field
from connectors.sandbox.salesforce.ids import canonical_id
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.soql.literals import Today, like, plain
from connectors.sandbox.salesforce.soql.paths import Getter, Paths, Row
from connectors.sandbox.salesforce.soql.syntax import (
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    Literal,
    Membership,
    Not,
    Query,
    fault,
)

Predicate: TypeAlias = Callable[[Row], bool]
Run: TypeAlias = Callable[[Query], Iterable[Any]]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_IDS = frozenset({"id", "reference"})
_SOAP_TYPES = {"currency": "double", "percent": "double", "datetime": "dateTime"}


class Conditions:
    """Compiles the conditions of one query.

    Args:
        paths: Resolver of the query's paths.
        today: What date literals count from.
        column_of: Runs a semi-join's query and gives its only column.
    """

    def __init__(self, paths: Paths, today: Today, column_of: Run) -> None:
        self._paths = paths
        self._today = today
        self._column_of = column_of

    def compile(self, base: SObject, condition: Condition) -> Predicate:
        """Return the predicate; raises INVALID_FIELD or INVALID_QUERY_FILTER_OPERATOR for what cannot be compared."""
        if isinstance(condition, AllOf):
            every = [self.compile(base, part) for part in condition.parts]
            return lambda row: all(test(row) for test in every)
        if isinstance(condition, AnyOf):
            some = [self.compile(base, part) for part in condition.parts]
            return lambda row: any(test(row) for test in some)
        if isinstance(condition, Not):
            inner = self.compile(base, condition.inner)
            return lambda row: not inner(row)
        if isinstance(condition, Membership):
            return self._membership(base, condition)
        return self._comparison(base, condition)

    def _comparison(self, base: SObject, test: Comparison) -> Predicate:
        field, get = self._paths.filtered(base, test.path)
        self._check_operator(field, test)
        if test.operator == "LIKE":
            pattern = like(test.literal.value)
            return lambda row: pattern.fullmatch(get(row) or "") is not None
        if test.literal.kind == "period":
            return self._in_period(field, get, test)
        wanted = self.stored(field, test.literal)
        key = key_of(field)
        if test.operator == "=":
            return lambda row: key(get(row)) == wanted
        if test.operator == "!=":
            return lambda row: key(get(row)) != wanted
        compare = _COMPARE[test.operator]
        return lambda row: (value := get(row)) is not None and compare(key(value), wanted)

    def _check_operator(self, field: Field, test: Comparison) -> None:
        ordered = test.operator not in {"=", "!="}
        if test.operator == "LIKE" and (field.kind not in TEXTS or test.literal.kind != "string"):
            message = f"invalid operator on {field.kind} field: LIKE needs a text field and a quoted pattern"
        elif ordered and test.operator != "LIKE" and (field.kind == "boolean" or test.literal.kind == "null"):
            message = f"invalid operator {test.operator} for {field.name}: only = and != compare it with this value"
        else:
            return
        raise fault("INVALID_QUERY_FILTER_OPERATOR", self._paths.text, test.path.at, message)

    def _in_period(self, field: Field, get: Getter, test: Comparison) -> Predicate:
        if field.kind not in {"date", "datetime"}:
            raise self._mistyped(field, test.literal)
        name, count = test.literal.value
        start, end = self._today.bounds(name, count, as_date=field.kind == "date")
        holds: dict[str, Callable[[str], bool]] = {
            "=": lambda value: start <= value < end,
            "!=": lambda value: not start <= value < end,
            "<": lambda value: value < start,
            "<=": lambda value: value < end,
            ">": lambda value: value >= end,
            ">=": lambda value: value >= start,
        }
        check = holds[test.operator]
        empty = test.operator == "!="
        return lambda row: empty if (value := get(row)) is None else check(value)

    def _membership(self, base: SObject, test: Membership) -> Predicate:
        field, get = self._paths.filtered(base, test.path)
        key = key_of(field)
        if isinstance(test.values, Query):
            if field.kind not in _IDS:
                message = f"The left operand field in the where expression should be an id or reference: {test.path}"
                raise fault("INVALID_QUERY_FILTER_OPERATOR", self._paths.text, test.path.at, message)
            values = {key(value) for value in self._column_of(test.values)}
        else:
            values = {self.stored(field, literal) for literal in test.values}
        if test.negated:
            return lambda row: key(get(row)) not in values
        return lambda row: key(get(row)) in values

    def stored(self, field: Field, literal: Literal) -> Any:
        """The literal as the field's values compare; raises INVALID_FIELD when the kinds differ."""
        if literal.kind == "null":
            return None
        if literal.kind == "string" and field.kind in _IDS:
            return self._id(field, literal)
        if literal.kind == "string" and field.kind in TEXTS:
            return plain(literal.value).casefold() or None
        fits = {
            "number": field.kind in NUMBERS,
            "boolean": field.kind == "boolean",
            "date": field.kind == "date",
            "datetime": field.kind == "datetime",
        }
        if not fits.get(literal.kind, False):
            raise self._mistyped(field, literal)
        return literal.value

    def _id(self, field: Field, literal: Literal) -> str:
        found = canonical_id(literal.value)
        if found is None:
            message = f"invalid ID field: {literal.value}"
            raise fault("INVALID_QUERY_FILTER_OPERATOR", self._paths.text, literal.at, f"{message} ({field.name})")
        return found

    def _mistyped(self, field: Field, literal: Literal) -> Exception:
        kind = "string" if field.kind in TEXTS | _IDS else _SOAP_TYPES.get(field.kind, field.kind)
        quotes = "should be enclosed in quotes" if kind == "string" else "should not be enclosed in quotes"
        message = f"value of filter criterion for field '{field.name}' must be of type {kind} and {quotes}"
        return fault("INVALID_FIELD", self._paths.text, literal.at, message)


def key_of(field: Field) -> Callable[[Any], Any]:
    """How the field's values compare: text without case, everything else as stored."""
    if field.kind in TEXTS:
        return lambda value: value.casefold() if value is not None else None
    return lambda value: value
