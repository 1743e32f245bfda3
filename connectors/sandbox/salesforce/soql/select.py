"""Running a query: candidates, WHERE, ORDER BY, LIMIT, and the rows in the API's JSON form."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field, write_value
from connectors.sandbox.salesforce.objects import Child, Schema, SObject
from connectors.sandbox.salesforce.soql.conditions import Conditions, Predicate, key_of
from connectors.sandbox.salesforce.soql.groups import grouped
from connectors.sandbox.salesforce.soql.literals import Today
from connectors.sandbox.salesforce.soql.parser import parse
from connectors.sandbox.salesforce.soql.paths import Getter, Paths, Row, Rows
from connectors.sandbox.salesforce.soql.syntax import (
    Aggregate,
    AllOf,
    Comparison,
    Condition,
    FieldsOf,
    Literal,
    Membership,
    Order,
    Path,
    Query,
    Subquery,
    fault,
)

# FIELDS(ALL) and FIELDS(CUSTOM) need a LIMIT of at most this (SOQL and SOSL Reference, FIELDS()).
_UNBOUNDED_FIELDS = 200


@dataclass(frozen=True, slots=True)
class Result:
    """What a query found: how many rows, and the rows unless it only counted."""

    total: int
    records: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a query's table form: its header, `Account.Name` included, and how a row shows it."""

    header: str
    field: Field
    get: Getter


@dataclass(frozen=True, slots=True)
class Table:
    """A query in table form; rows are as they were when it ran, whatever changes later."""

    base: SObject
    columns: list[Column]
    rows: list[Row]


@dataclass(slots=True)
class _Children:
    """A subquery in the select list: whose rows it shows, and which."""

    child: Child
    select: "_Select"
    by_parent: dict[str, list[Row]] | None = None

    def of(self, parent_id: str) -> dict[str, Any] | None:
        if self.by_parent is None:
            self.by_parent = defaultdict(list)
            for row in self.select.matching():
                self.by_parent[row.get(self.child.field) or ""].append(row)
        rows = self.select.window(self.by_parent.get(parent_id, []))
        if not rows:
            return None
        return {"totalSize": len(rows), "done": True, "records": self.select.render(rows)}


@dataclass(slots=True)
class _Node:
    """The selected fields of one object on the way, and of its parents and children."""

    base: SObject
    fields: dict[str, Field] = field(default_factory=dict)
    parents: dict[str, tuple[Field, "_Node"]] = field(default_factory=dict)
    children: dict[str, _Children] = field(default_factory=dict)


def run(text: str, schema: Schema, rows: Rows, today: Today, version: str) -> Result:
    """Run a query.

    Args:
        text: SOQL.
        schema: The org's objects.
        rows: The records to see; for queryAll those in the recycle bin too.
        today: What date literals count from.
        version: API version for the records' URLs, as `67.0`.

    Raises:
        ApiError: MALFORMED_QUERY, INVALID_TYPE, INVALID_FIELD or INVALID_QUERY_FILTER_OPERATOR.
    """
    select = _prepared(text, schema, rows, today, version)
    if select.query.grouped:
        results = grouped(select.query, select.base, select.paths, select.matching())
        return Result(len(results), results)
    found = select.window(select.matching())
    return Result(len(found), select.render(found) if select.query.columns else [])


def table(text: str, schema: Schema, rows: Rows, today: Today, version: str) -> Table:
    """Run a query for its table form.

    Raises:
        ApiError: As `run`, and API_ERROR for what has no table form: subqueries and COUNT().
    """
    select = _prepared(text, schema, rows, today, version)
    return Table(select.base, select.columns(), select.window(select.matching()))


def _prepared(text: str, schema: Schema, rows: Rows, today: Today, version: str) -> "_Select":
    query = parse(text)
    if len(query.target.names) > 1 or schema.find(query.target.names[0]) is None:
        message = f"sObject type '{query.target}' is not supported."
        raise fault("INVALID_TYPE", text, query.target.at, message)
    base = schema.addressed(query.target.names[0])
    return _Select(query, base, Paths(schema, rows, text), today, version)


class _Select:
    def __init__(self, query: Query, base: SObject, paths: Paths, today: Today, version: str) -> None:
        self.query = query
        self.base = base
        self.paths = paths
        self._today = today
        self._version = version
        self._conditions = Conditions(paths, today, self._column)
        self._where: Predicate | None = self._conditions.compile(base, query.where) if query.where else None
        self._root = _Node(base)
        self._order: list[tuple[Order, Field, Getter]] = []
        if query.grouped:
            return
        for key in query.order:
            self._order.append((key, *paths.filtered(base, _plain(key.path))))
        for column in query.columns:
            if isinstance(column, Subquery):
                self._add_children(column)
            elif isinstance(column, FieldsOf):
                self._add_group(column)
            elif isinstance(column, Path):
                self._add_path(self._root, column)

    def _add_path(self, node: _Node, path: Path) -> None:
        names = path.names
        if len(names) > 1 and names[0].lower() == node.base.name.lower() and node.base.parent(names[0]) is None:
            names = names[1:]
        if len(names) > 1:
            step, target = self.paths.relation(node.base, names[0], path.at)
            _, inner = node.parents.setdefault(step.relation or "", (step, _Node(target)))
            self._add_path(inner, Path(names[1:], path.at))
            return
        found = self.paths.column(node.base, names[0], path.at)
        if found.name in node.fields:
            raise fault("INVALID_FIELD", self.paths.text, path.at, f"duplicate field selected: {path}")
        node.fields[found.name] = found

    def _add_group(self, group: FieldsOf) -> None:
        if group.group != "STANDARD" and (self.query.limit or _UNBOUNDED_FIELDS + 1) > _UNBOUNDED_FIELDS:
            message = f"The SOQL FIELDS function must have a LIMIT of at most {_UNBOUNDED_FIELDS}"
            raise fault("MALFORMED_QUERY", self.paths.text, group.at, message)
        for name, found in self.base.fields.items():
            if group.group == "ALL" or found.custom == (group.group == "CUSTOM"):
                self._root.fields[name] = found

    def _add_children(self, column: Subquery) -> None:
        target = column.query.target
        child = self.base.children.get(target.names[-1].lower())
        if child is None or any(isinstance(inner, Subquery) for inner in column.query.columns):
            message = f"Didn't understand relationship '{target}' in FROM part of query call."
            raise fault("INVALID_TYPE", self.paths.text, target.at, message)
        base = self.paths.schema.addressed(child.child)
        select = _Select(column.query, base, self.paths, self._today, self._version)
        self._root.children[child.name] = _Children(child, select)

    def columns(self) -> list[Column]:
        """The select list as columns; raises API_ERROR."""
        if not self.query.columns or self.query.grouped:
            raise ApiError("API_ERROR", "Aggregate queries are not supported by the Bulk API")
        found: list[Column] = []
        for column in self.query.columns:
            if isinstance(column, Subquery):
                raise ApiError("API_ERROR", "Nested queries are not supported by the Bulk API")
            if not isinstance(column, Path):
                raise ApiError("API_ERROR", "FIELDS() is not supported by the Bulk API")
            kind, get = self.paths.resolve(self.base, column)
            found.append(Column(self.paths.canonical(self.base, column), kind, get))
        return found

    def _column(self, query: Query) -> Iterable[Any]:
        """The values of a semi-join."""
        base = self.paths.schema.find(query.target.names[0])
        if base is None or len(query.columns) != 1 or not isinstance(query.columns[0], Path):
            message = "A semi-join selects exactly one field of one object"
            raise fault("MALFORMED_QUERY", self.paths.text, query.target.at, message)
        inner = _Select(query, base, self.paths, self._today, self._version)
        _, get = self.paths.resolve(base, query.columns[0])
        return [value for row in inner.window(inner.matching()) if (value := get(row)) is not None]

    def matching(self) -> list[Row]:
        """Rows that pass WHERE, in order."""
        where = self._where
        rows = [row for row in self._candidates() if where is None or where(row)]
        for key, kind, get in reversed(self._order):
            rows = _ordered(rows, key, kind, get)
        return rows

    def _candidates(self) -> Iterable[Row]:
        wanted = self._wanted_ids(self.query.where)
        if wanted is None:
            return self.paths.rows.scan(self.base.name)
        found = (self.paths.rows.find(self.base.name, record_id) for record_id in sorted(wanted))
        return [row for row in found if row is not None]

    def _wanted_ids(self, condition: Condition | None) -> set[str] | None:
        """Ids that a top-level `Id =` or `Id IN` names, so that reading a few records is no scan."""
        if isinstance(condition, AllOf):
            found = (self._wanted_ids(part) for part in condition.parts)
            return next((ids for ids in found if ids is not None), None)
        if isinstance(condition, Comparison) and condition.operator == "=":
            literals: tuple[Literal, ...] = (condition.literal,)
        elif isinstance(condition, Membership) and not condition.negated and isinstance(condition.values, tuple):
            literals = condition.values
        else:
            return None
        if tuple(name.lower() for name in condition.path.names) != ("id",):
            return None
        column = self.base.fields["Id"]
        return {value for literal in literals if (value := self._conditions.stored(column, literal)) is not None}

    def window(self, rows: list[Row]) -> list[Row]:
        """LIMIT and OFFSET."""
        start = self.query.offset
        return rows[start:] if self.query.limit is None else rows[start : start + self.query.limit]

    def render(self, rows: Iterable[Row]) -> list[dict[str, Any]]:
        """Rows in the API's form."""
        return [self._shape(self._root, row) for row in rows]

    def _shape(self, node: _Node, row: Row) -> dict[str, Any]:
        shaped: dict[str, Any] = {"attributes": attributes(node.base.name, row["Id"], self._version)}
        for name, found in node.fields.items():
            shaped[name] = write_value(found, row.get(name))
        for name, (step, inner) in node.parents.items():
            reference = row.get(step.name)
            parent = self.paths.rows.parent(inner.base.name, reference) if reference else None
            shaped[name] = None if parent is None else self._shape(inner, parent)
        for name, children in node.children.items():
            shaped[name] = children.of(row["Id"])
        return shaped


def _plain(path: Path | Aggregate) -> Path:
    if isinstance(path, Aggregate):
        raise ApiError("MALFORMED_QUERY", "ORDER BY an aggregate function needs a grouped query")
    return path


def _ordered(rows: list[Row], key: Order, kind: Field, get: Getter) -> list[Row]:
    compare = key_of(kind)
    empty = [row for row in rows if get(row) is None]
    filled = [row for row in rows if get(row) is not None]
    filled.sort(key=lambda row: compare(get(row)), reverse=key.descending)
    return filled + empty if key.nulls_last else empty + filled


def attributes(name: str, record_id: str, version: str) -> dict[str, str]:
    """The `attributes` of a record: its type and URL."""
    return {"type": name, "url": f"/services/data/v{version}/sobjects/{name}/{record_id}"}
