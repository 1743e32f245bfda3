"""Queries: filters, order, pages, and the walls that a chain of pages runs into."""

import base64
import binascii
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

from connectors.sandbox.pardot.errors import (
    BAD_BOOLEAN,
    BAD_FILTER,
    BAD_LIMIT,
    NOT_QUERYABLE,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    TOO_MANY_FILTERS,
    PardotError,
)
from connectors.sandbox.pardot.objects import EMAIL, FLAG, INT, NUMBER, TEXT, Object
from connectors.sandbox.pardot.store import Record
from connectors.sandbox.pardot.values import kept

# "Query": page sizes, filter and token rules of the API v5 overview.
_DEFAULT_LIMIT, _LARGEST_LIMIT = 200, 1000
_MOST_FILTERED = 3
_TOKEN_SECONDS = 4 * 3600
_NOT_FILTERS = frozenset({"fields", "limit", "orderBy", "deleted", "nextPageToken"})
_RANGE = re.compile(r"(.+?)(GreaterThanOrEqualTo|GreaterThan|LessThanOrEqualTo|LessThan|"
                    r"AfterOrEqualTo|After|BeforeOrEqualTo|Before)")  # fmt: skip
_NUMERIC_WORDS = ("GreaterThan", "LessThan")

Test: TypeAlias = Callable[[Record], bool]
Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query's parameters, checked.

    Attributes:
        params: As given, to go on in page tokens.
        tests: All hold for a record that is found.
        order: Field and whether descending; the id comes last.
        limit: Records of a page.
        after: Order key of the last record of the page before.
        count: Records of the pages before.
    """

    params: Mapping[str, str]
    tests: tuple[Test, ...]
    order: tuple[tuple[str, bool], ...]
    limit: int
    after: Key | None
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page: its records, the next page's token, and whether the chain ended at its wall."""

    records: list[Record]
    token: str | None
    walled: bool


def parse(target: Object, kinds: Mapping[str, str], params: Mapping[str, str], now: datetime) -> Query:
    """Check a query's parameters.

    Raises:
        PardotError: BAD_FILTER, BAD_LIMIT, BAD_BOOLEAN, NOT_QUERYABLE, TOO_MANY_FILTERS, TOKEN_EXPIRED or
            TOKEN_INVALID.
    """
    if "nextPageToken" not in params:
        return _begun(target, kinds, params, None, 0)
    others = sorted(set(params) - {"nextPageToken", "fields"})
    if others:
        raise PardotError(BAD_FILTER, f"{others[0]}: only fields may accompany nextPageToken")
    token = _opened(params["nextPageToken"])
    if token["object"] != target.name:
        raise PardotError(TOKEN_INVALID, "nextPageToken: belongs to another object")
    if now.timestamp() - token["issued"] > _TOKEN_SECONDS:
        raise PardotError(TOKEN_EXPIRED, "nextPageToken: has expired")
    return _begun(target, kinds, token["params"], tuple(token["after"]), token["count"])


def _begun(target: Object, kinds: Mapping[str, str], params: Mapping[str, str], after: Key | None, count: int) -> Query:
    filters = {name: value for name, value in params.items() if name not in _NOT_FILTERS}
    tests = [_filter(target, kinds, name, value) for name, value in filters.items()]
    filtered = {_field_of(name) for name in filters}
    if len(filtered) > _MOST_FILTERED:
        message = f"at most {_MOST_FILTERED} fields can be filtered, not {', '.join(sorted(filtered))}"
        raise PardotError(TOO_MANY_FILTERS, message)
    tests += _bin(target, params.get("deleted"))
    kept_params = {name: value for name, value in params.items() if name not in {"fields", "nextPageToken"}}
    return Query(kept_params, tuple(tests), _order(kinds, params.get("orderBy")), _limit(params), after, count)


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
    wanted = kept(name, kinds[field], text)
    if not word:
        return _equal(field, wanted)
    upward, inclusive = word.startswith(("GreaterThan", "After")), word.endswith("OrEqualTo")
    return _beyond(field, wanted, upward=upward, inclusive=inclusive)


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


def _bin(target: Object, deleted: str | None) -> list[Test]:
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


def _order(kinds: Mapping[str, str], text: str | None) -> tuple[tuple[str, bool], ...]:
    keys: list[tuple[str, bool]] = []
    for part in (text or "").split(","):
        words = part.split()
        if not words:
            continue
        if words[0] not in kinds or len(words) > 2 or words[-1].upper() not in {"ASC", "DESC", words[0].upper()}:  # noqa: PLR2004
            raise PardotError(BAD_FILTER, f"orderBy: {part.strip()!r} is no field with ASC or DESC")
        keys.append((words[0], words[-1].upper() == "DESC"))
    return (*keys, ("id", False)) if not any(name == "id" for name, _ in keys) else tuple(keys)


def _limit(params: Mapping[str, str]) -> int:
    text = params.get("limit", str(_DEFAULT_LIMIT))
    if not text.isdigit() or not 1 <= int(text) <= _LARGEST_LIMIT:
        raise PardotError(BAD_LIMIT, f"limit: must be 1 to {_LARGEST_LIMIT}, not {text!r}")
    return int(text)


def page(
    target: Object, kinds: Mapping[str, str], rows: Iterable[Record], query: Query, now: datetime, wall: int
) -> Page:
    """Find a page's records; `wall` is how many one chain of tokens gives."""
    found = [row for row in rows if all(test(row) for test in query.tests)]
    if query.after is not None:
        found = [row for row in found if _follows(kinds, query, row)]
    for name, descending in reversed(query.order):
        _sort(found, name, kinds[name], descending=descending)
    room = max(0, min(query.limit, wall - query.count))
    records = found[:room]
    if len(found) <= len(records):
        return Page(records, None, walled=False)
    count = query.count + len(records)
    if count >= wall:
        return Page(records, None, walled=True)
    after = [_position(kinds[name], records[-1].get(name)) for name, _ in query.order]
    return Page(records, _sealed(target, query, after, count, now), walled=False)


def _sort(rows: list[Record], name: str, kind: str, *, descending: bool) -> None:
    rows.sort(key=lambda row: _sortable(kind, row.get(name)), reverse=descending)


def _sortable(kind: str, value: Any) -> Any:
    if value is None:
        return "" if kind not in {INT, NUMBER, FLAG} else -1
    return value.casefold() if kind in {TEXT, EMAIL} else value


def _position(kind: str, value: Any) -> Any:
    found = _sortable(kind, value)
    return float(found) if kind == NUMBER else found


def _follows(kinds: Mapping[str, str], query: Query, row: Record) -> bool:
    for (name, descending), last in zip(query.order, query.after or (), strict=True):
        value = _position(kinds[name], row.get(name))
        if value != last:
            return bool(value < last if descending else value > last)
    return False


def _sealed(target: Object, query: Query, after: list[Any], count: int, now: datetime) -> str:
    token = {
        "object": target.name,
        "params": dict(query.params),
        "after": after,
        "count": count,
        "issued": now.timestamp(),
    }
    return base64.urlsafe_b64encode(json.dumps(token).encode()).decode().rstrip("=")


def _opened(text: str) -> dict[str, Any]:
    try:
        token = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (binascii.Error, ValueError):
        token = None
    if not isinstance(token, dict) or not {"object", "params", "after", "count", "issued"} <= set(token):
        raise PardotError(TOKEN_INVALID, "nextPageToken: is invalid")
    return token
