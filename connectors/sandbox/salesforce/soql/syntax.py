"""The tree of a SOQL query. `at` is an offset into the text, for error messages."""

from dataclasses import dataclass
from typing import Any, TypeAlias

from connectors.sandbox.salesforce.errors import ApiError


@dataclass(frozen=True, slots=True)
class Path:
    """A field, through parents: `Account.Owner.Name`."""

    names: tuple[str, ...]
    at: int

    def __str__(self) -> str:
        return ".".join(self.names)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value in the query.

    Attributes:
        kind: string, number, boolean, null, date, datetime or period (a date literal such as TODAY).
        value: The stored form; for a period its name and count; for a string the text with its escapes.
    """

    kind: str
    value: Any
    at: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path operator literal`."""

    path: Path
    operator: str
    literal: Literal


@dataclass(frozen=True, slots=True)
class Membership:
    """`path [NOT] IN (...)`, of values or of a query's single column."""

    path: Path
    negated: bool
    values: "tuple[Literal, ...] | Query"


@dataclass(frozen=True, slots=True)
class Not:
    """Negation."""

    inner: "Condition"


@dataclass(frozen=True, slots=True)
class AllOf:
    """Conjunction."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Disjunction."""

    parts: "tuple[Condition, ...]"


Condition: TypeAlias = Comparison | Membership | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`SUM(Amount) total`; `alias` is empty without one."""

    function: str
    path: Path
    alias: str


@dataclass(frozen=True, slots=True)
class Order:
    """One key of ORDER BY; an aggregate only in a grouped query."""

    path: Path | Aggregate
    descending: bool
    nulls_last: bool


@dataclass(frozen=True, slots=True)
class FieldsOf:
    """`FIELDS(ALL | STANDARD | CUSTOM)`."""

    group: str
    at: int


@dataclass(frozen=True, slots=True)
class Subquery:
    """`(SELECT ... FROM ChildRelationship)` in the select list."""

    query: "Query"


Column: TypeAlias = Path | FieldsOf | Subquery | Aggregate


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query; `columns` is empty for `SELECT COUNT()`, `group` without GROUP BY."""

    text: str
    columns: tuple[Column, ...]
    target: Path
    where: Condition | None
    group: tuple[Path, ...]
    order: tuple[Order, ...]
    limit: int | None
    offset: int

    @property
    def grouped(self) -> bool:
        """Whether rows are counted rather than shown."""
        return bool(self.group) or any(isinstance(column, Aggregate) for column in self.columns)


def fault(code: str, text: str, at: int, message: str) -> ApiError:
    """Return an error that points into the query, in the vendor's layout."""
    row = text.count("\n", 0, at) + 1
    column = at - text.rfind("\n", 0, at)
    excerpt = text[max(0, at - 30) : at + 50].replace("\n", " ")
    caret = " " * min(at, 30) + "^"
    return ApiError(code, f"\n{excerpt}\n{caret}\nERROR at Row:{row}:Column:{column}\n{message}")
