"""Field paths against a schema, and the rows they are read from."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.objects import Schema, SObject
from connectors.sandbox.salesforce.soql.syntax import Path, fault

Row: TypeAlias = Mapping[str, Any]
Getter: TypeAlias = Callable[[Row], Any]

# "Child-to-parent relationships: levels" of the SOQL and SOSL Reference.
_DEEPEST = 5
# Long text areas cannot be filtered or sorted on.
_LONGEST_FILTERED = 255


class Rows(Protocol):
    """The records a query sees."""

    def scan(self, name: str) -> Iterable[Row]:
        """The object's visible records in order of their ids."""
        ...

    def find(self, name: str, record_id: str) -> Row | None:
        """The visible record with that 18-character id."""
        ...

    def parent(self, name: str, record_id: str) -> Row | None:
        """The record that a reference points to, in the recycle bin or not."""
        ...


class Paths:
    """Resolves the paths of one query.

    Args:
        schema: The org's objects.
        rows: Where parents are looked up.
        text: The query, for error messages.
    """

    def __init__(self, schema: Schema, rows: Rows, text: str) -> None:
        self.schema = schema
        self.rows = rows
        self.text = text

    def column(self, base: SObject, name: str, at: int) -> Field:
        """The object's field; raises INVALID_FIELD."""
        field = base.field(name)
        if field is None:
            message = (
                f"No such column '{name}' on entity '{base.name}'. If you are attempting to use a custom field, be "
                "sure to append the '__c' after the custom field name. Please reference your WSDL or the describe "
                "call for the appropriate names."
            )
            raise fault("INVALID_FIELD", self.text, at, message)
        return field

    def relation(self, base: SObject, name: str, at: int) -> tuple[Field, SObject]:
        """The reference field behind a step, and the object it leads to; raises INVALID_FIELD."""
        field = base.parent(name)
        target = self.schema.find(field.refers or "") if field else None
        if field is None or target is None:
            message = f"Didn't understand relationship '{name}' in field path."
            raise fault("INVALID_FIELD", self.text, at, message)
        return field, target

    def resolve(self, base: SObject, path: Path) -> tuple[Field, Getter]:
        """The field at the path's end, and how to read it from a row of `base`."""
        names = path.names
        if len(names) > 1 and names[0].lower() == base.name.lower() and base.parent(names[0]) is None:
            names = names[1:]
        if len(names) - 1 > _DEEPEST:
            raise fault("MALFORMED_QUERY", self.text, path.at, f"more than {_DEEPEST} levels of relationships")
        if len(names) == 1:
            field = self.column(base, names[0], path.at)
            return field, lambda row: row.get(field.name)
        step, target = self.relation(base, names[0], path.at)
        field, inner = self.resolve(target, Path(names[1:], path.at))

        def through_parent(row: Row) -> Any:
            reference = row.get(step.name)
            parent = self.rows.parent(target.name, reference) if reference else None
            return None if parent is None else inner(parent)

        return field, through_parent

    def canonical(self, base: SObject, path: Path) -> str:
        """The path with every name spelled as it was declared."""
        names = path.names
        if len(names) > 1 and names[0].lower() == base.name.lower() and base.parent(names[0]) is None:
            names = names[1:]
        if len(names) == 1:
            return self.column(base, names[0], path.at).name
        step, target = self.relation(base, names[0], path.at)
        return f"{step.relation}.{self.canonical(target, Path(names[1:], path.at))}"

    def filtered(self, base: SObject, path: Path) -> tuple[Field, Getter]:
        """Like `resolve`, for WHERE and ORDER BY; raises INVALID_FIELD for long text."""
        field, getter = self.resolve(base, path)
        if field.kind == "textarea" and field.length > _LONGEST_FILTERED:
            message = f"field '{field.name}' can not be filtered or sorted in a query call"
            raise fault("INVALID_FIELD", self.text, path.at, message)
        return field, getter
