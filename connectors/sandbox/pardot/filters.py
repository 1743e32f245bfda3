"""Filters of a query: what a record must be like, and where to look for it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from connectors.sandbox.pardot.errors import (
    BAD_BOOLEAN,
    BAD_FILTER,
    BAD_TYPE,
    NOT_QUERYABLE,
    TOO_MANY_FILTERS,
    PardotError,
)
from connectors.sandbox.pardot.objects import EMAIL, INT, NUMBER, TEXT, TIME, Object
from connectors.sandbox.pardot.table import Record
from connectors.sandbox.pardot.values import kept

# "Query": filter rules of the API v5 overview.
_MOST_FILTERED = 3
_RANGE = re.compile(r"(.+?)(GreaterThanOrEqualTo|GreaterThan|LessThanOrEqualTo|LessThan|"
                    r"AfterOrEqualTo|After|BeforeOrEqualTo|Before)")  # fmt: skip
_NUMERIC_WORDS = ("GreaterThan", "LessThan")

Test: TypeAlias = Callable[[Record], bool]


@dataclass(frozen=True, slots=True)
class Bound:
    """What filters say of where to look, beyond their tests.

    Attributes:
        equal: Field and value that all have.
        least_id: Only greater ids fit.
        since, until: Only changes from and up to these times fit.
    """

    equal: tuple[str, Any] | None = None
    least_id: int = 0
    since: str = ""
    until: str | None = None


def filter_tests(target: Object, kinds: Mapping[str, str], filters: Mapping[str, str]) -> list[Test]:
    """Check filters and turn them into tests that must all hold.

    Raises:
        PardotError: BAD_FILTER, BAD_TYPE, NOT_QUERYABLE or TOO_MANY_FILTERS.
    """
    tests = [_filter(target, kinds, name, value) for name, value in filters.items()]
    filtered = {_field_of(name) for name in filters}
    if len(filtered) > _MOST_FILTERED:
        message = f"at most {_MOST_FILTERED} fields can be filtered, not {', '.join(sorted(filtered))}"
        raise PardotError(TOO_MANY_FILTERS, message)
    return tests


def bound_of(kinds: Mapping[str, str], filters: Mapping[str, str]) -> Bound:
    """Tell where checked filters look."""
    bound = Bound()
    for name, text in filters.items():
        match = _RANGE.fullmatch(name)
        field, word = match.groups() if match else (name, "")
        if not word:
            bound = replace(bound, equal=(name, kept(name, _filtered_as(kinds[name]), text)))
        elif field == "id" and word.startswith("GreaterThan"):
            least = kept(name, INT, text) - word.endswith("OrEqualTo")
            bound = replace(bound, least_id=max(bound.least_id, least))
        elif field == "updatedAt" and word.startswith("After"):
            bound = replace(bound, since=max(bound.since, kept(name, TIME, text)))
        elif field == "updatedAt":
            until = kept(name, TIME, text)
            bound = replace(bound, until=until if bound.until is None else min(bound.until, until))
    return bound


def _field_of(name: str) -> str:
    match = _RANGE.fullmatch(name)
    return match.group(1) if match else name


def _filter(target: Object, kinds: Mapping[str, str], name: str, text: str) -> Test:
    match = _RANGE.fullmatch(name) if name not in kinds else None
    field, word = (match.group(1), match.group(2)) if match else (name, "")
    if field not in kinds:
        raise PardotError(BAD_FILTER, f"{name}: unknown parameter")
    allowed = target.filters.get(field, "")
    numeric = kinds[field] in {INT, NUMBER}
    if ("<>" if word else "=") not in allowed or (word and word.startswith(_NUMERIC_WORDS) != numeric):
        raise PardotError(NOT_QUERYABLE, f"{name}: this field cannot be queried so")
    wanted = kept(name, _filtered_as(kinds[field]), text)
    if wanted is None:
        raise PardotError(BAD_TYPE, f"{name}: must not be empty")
    if not word:
        return _equal(field, wanted)
    upward, inclusive = word.startswith(("GreaterThan", "After")), word.endswith("OrEqualTo")
    return _beyond(field, wanted, upward=upward, inclusive=inclusive)


def _filtered_as(kind: str) -> str:
    """Whatever is asked for as an address is only compared."""
    return TEXT if kind == EMAIL else kind


def _equal(field: str, wanted: Any) -> Test:
    if isinstance(wanted, str):
        folded = wanted.casefold()
        return lambda record: str(record.get(field) or "").casefold() == folded
    return lambda record: bool(record.get(field) == wanted)


def _beyond(field: str, wanted: Any, *, upward: bool, inclusive: bool) -> Test:
    def test(record: Record) -> bool:
        value = record.get(field)
        if value is None:
            return False
        return bool((inclusive and value == wanted) or (value > wanted if upward else value < wanted))

    return test


def bin_tests(target: Object, deleted: str | None) -> list[Test]:
    """Tests for `deleted=`; raises BAD_FILTER or BAD_BOOLEAN."""
    if deleted is None:
        deleted = "false"
    elif not target.binned:
        raise PardotError(BAD_FILTER, f"deleted: {target.name} have no recycle bin")
    if deleted not in {"true", "false", "all"}:
        raise PardotError(BAD_BOOLEAN, f"deleted: must be true, false or all, not {deleted!r}")
    if deleted == "all" or not target.binned:
        return []
    wanted = deleted == "true"
    return [lambda record: bool(record.get("isDeleted")) == wanted]
