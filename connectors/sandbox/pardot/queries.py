"""Queries: filters, order, pages, and the walls that a chain of pages runs into."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, TypeAlias

from connectors.sandbox.pardot.errors import (
    BAD_FILTER,
    BAD_LIMIT,
    BAD_RANGE,
    TIMED_OUT,
    TOKEN_EXPIRED,
    TOKEN_INVALID,
    PardotError,
)
from connectors.sandbox.pardot.filters import Bound, Test, bin_tests, bound_of, filter_tests
from connectors.sandbox.pardot.objects import EMAIL, FLAG, INT, NUMBER, TEXT, Object
from connectors.sandbox.pardot.table import Record, Table

# "Query": page sizes and token rules of the API v5 overview.
_DEFAULT_LIMIT, _LARGEST_LIMIT, _LARGEST_OFFSET = 200, 1000, 2000
_TOKEN_SECONDS = 4 * 3600
_NOT_FILTERS = frozenset({"fields", "limit", "offset", "orderBy", "deleted", "nextPageToken"})
_BY_ID, _BY_TIME = (("id", False),), (("updatedAt", False), ("id", False))
# A window with less than this part of all records is put in order of ids rather than looked for among them.
_FEW = 10

Key: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query's parameters, checked.

    Attributes:
        params: As given, to go on in page tokens.
        tests: All hold for a record that is found.
        bound: What the tests cannot be met outside of.
        order: Field and whether descending; the id comes last.
        limit: Records of a page.
        offset: Records to leave out at the beginning.
        after: Order key of the last record of the page before.
        count: Records of the pages before.
    """

    params: Mapping[str, str]
    tests: tuple[Test, ...]
    bound: Bound
    order: tuple[tuple[str, bool], ...]
    limit: int
    offset: int
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
    tests = [*filter_tests(target, kinds, filters), *bin_tests(target, params.get("deleted"))]
    kept_params = {name: value for name, value in params.items() if name not in {"fields", "nextPageToken", "offset"}}
    order = _order(kinds, params.get("orderBy"))
    return Query(
        kept_params, tuple(tests), bound_of(kinds, filters), order, _limit(params), _offset(params), after, count
    )


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


def _offset(params: Mapping[str, str]) -> int:
    text = params.get("offset", "0")
    if not text.isdigit() or int(text) > _LARGEST_OFFSET:
        raise PardotError(BAD_RANGE, f"offset: must be 0 to {_LARGEST_OFFSET}, not {text!r}")
    return int(text)


def page(
    target: Object, kinds: Mapping[str, str], table: Table, query: Query, now: datetime, *, wall: int, slow: int
) -> Page:
    """Find a page's records.

    Args:
        target: The object.
        kinds: Its fields, custom ones included.
        table: Its records.
        query: What is asked.
        now: When.
        wall: How many records one chain of tokens gives.
        slow: From how many records on that must be put in order of time the query takes too long; 0: never.

    Raises:
        PardotError: TIMED_OUT.
    """
    if slow and query.order != _BY_ID and len(table.between((query.bound.since, 0), query.bound.until)) > slow:
        raise PardotError(TIMED_OUT, "API request timed out.")
    room = max(0, min(query.limit, wall - query.count))
    found = _found(kinds, table, query, query.offset + room + 1)[query.offset :]
    records = found[:room]
    if len(found) <= len(records):
        return Page(records, None, walled=False)
    count = query.count + len(records)
    if count >= wall:
        return Page(records, None, walled=True)
    after = [_position(kinds[name], records[-1].get(name)) for name, _ in query.order]
    return Page(records, _sealed(target, query, after, count, now), walled=False)


def _found(kinds: Mapping[str, str], table: Table, query: Query, most: int) -> list[Record]:
    """The records that fit, in order; no more than `most` where the order is one that the table keeps."""
    fitting = (row for row in _candidates(table, query) if all(test(row) for test in query.tests))
    if query.order in {_BY_ID, _BY_TIME} and query.bound.equal is None:
        return list(islice(fitting, most))
    found = [row for row in fitting if query.after is None or _follows(kinds, query, row)]
    for name, descending in reversed(query.order):
        _sort(found, name, kinds[name], descending=descending)
    return found


def _candidates(table: Table, query: Query) -> Iterable[Record]:
    """Records among which are all that fit, in order where the table keeps it."""
    bound, after = query.bound, query.after or ()
    if bound.equal is not None:
        return table.having(*bound.equal)
    low = (bound.since, 0)
    if query.order == _BY_TIME:
        return table.placed(table.between(max(low, (after[0], after[1])) if after else low, bound.until))
    places = table.between(low, bound.until) if bound.since or bound.until else None
    if query.order == _BY_ID:
        least = max(bound.least_id, after[0] if after else 0)
        if places is None or len(places) * _FEW > len(table.rows):
            return table.above(least)
        return sorted((row for row in table.placed(places) if row["id"] > least), key=lambda row: row["id"])
    return table.rows.values() if places is None else table.placed(places)


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
