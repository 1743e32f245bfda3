"""Grouped queries: GROUP BY and the aggregate functions."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import NUMBERS, write_value
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.soql.conditions import key_of
from connectors.sandbox.salesforce.soql.paths import Paths, Row
from connectors.sandbox.salesforce.soql.syntax import Aggregate, Path, Query, fault

_Reader = Callable[[Sequence[Row]], Any]


def grouped(query: Query, base: SObject, paths: Paths, rows: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows of a grouped query as `AggregateResult`s; without GROUP BY one of them.

    Raises:
        ApiError: MALFORMED_QUERY for a column that is neither grouped nor aggregated, INVALID_FIELD.
    """
    keys = [paths.filtered(base, path)[1] for path in query.group]
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        groups[tuple(get(row) for get in keys)].append(row)
    found = list(groups.values()) or ([] if query.group else [[]])
    for key in reversed(query.order):
        read = _reader(query, base, paths, key.path)
        filled = [group for group in found if read(group) is not None]
        empty = [group for group in found if read(group) is None]
        filled.sort(key=read, reverse=key.descending)
        found = filled + empty if key.nulls_last else empty + filled
    end = None if query.limit is None else query.offset + query.limit
    columns = _columns(query, base, paths)
    return [
        {"attributes": {"type": "AggregateResult"}, **{name: read(group) for name, read in columns.items()}}
        for group in found[query.offset : end]
    ]


def _columns(query: Query, base: SObject, paths: Paths) -> dict[str, _Reader]:
    columns: dict[str, _Reader] = {}
    unnamed = 0
    for column in query.columns:
        if not isinstance(column, Path | Aggregate):
            raise ApiError("MALFORMED_QUERY", "A grouped query selects fields and aggregate functions only")
        if isinstance(column, Path):
            name = paths.canonical(base, column).rpartition(".")[2]
        else:
            name = column.alias or f"expr{unnamed}"
            unnamed += not column.alias
        columns[name] = _reader(query, base, paths, column)
    return columns


def _reader(query: Query, base: SObject, paths: Paths, column: Path | Aggregate) -> _Reader:
    if isinstance(column, Aggregate):
        return _aggregate(base, paths, column)
    canonical = [paths.canonical(base, path) for path in query.group]
    if paths.canonical(base, column) not in canonical:
        message = f"Field must be grouped or aggregated: {column}"
        raise fault("MALFORMED_QUERY", paths.text, column.at, message)
    field, get = paths.resolve(base, column)
    return lambda group: write_value(field, get(group[0]))


def _aggregate(base: SObject, paths: Paths, column: Aggregate) -> _Reader:
    field, get = paths.resolve(base, column.path)
    if column.function in {"SUM", "AVG"} and field.kind not in NUMBERS:
        message = f"field {column.path} does not support aggregate operator {column.function}"
        raise fault("MALFORMED_QUERY", paths.text, column.path.at, message)
    key = key_of(field)
    functions: dict[str, Callable[[list[Any]], Any]] = {
        "COUNT": len,
        "COUNT_DISTINCT": lambda values: len({key(value) for value in values}),
        "SUM": lambda values: sum(values, Decimal(0)) if values else None,
        "AVG": lambda values: sum(values, Decimal(0)) / len(values) if values else None,
        "MIN": lambda values: min(values, default=None, key=key),
        "MAX": lambda values: max(values, default=None, key=key),
    }
    work = functions[column.function]
    # An average of whole numbers need not be one.
    shown = float if column.function == "AVG" else lambda value: write_value(field, value)

    def read(group: Sequence[Row]) -> Any:
        result = work([value for row in group if (value := get(row)) is not None])
        return shown(result) if isinstance(result, Decimal) else result

    return read
