"""What a query costs: each object one point, a connection by its size, a mutation ten (commerce facts 1.3).

The published rule leaves the scaling of connections open; here it is the older one of Shopify's engineering blog: two
points and one for every object asked for, with what that object holds.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

CONNECTION, MUTATION = 2, 10
OWN = ""
"""The branch of fields that are selected without a fragment."""


class Cost:
    """Counts the points of one operation, before it runs and after."""

    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]
    ) -> None:
        self._schema = schema
        self._fragments = fragments
        self._variables = variables

    def requested(self, operation: OperationDefinitionNode) -> int:
        """At most so many points: connections count as many objects as are asked for."""
        return self._operation(operation, None)

    def actual(self, operation: OperationDefinitionNode, data: Mapping[str, Any] | None) -> int:
        """The points of what was really answered."""
        return self._operation(operation, data or {})

    def _operation(self, operation: OperationDefinitionNode, data: Any) -> int:
        root = self._schema.get_root_type(operation.operation)
        if root is None:
            return 0
        fields = self._fields(operation.selection_set, root)
        if operation.operation is OperationType.MUTATION:
            return MUTATION * len(fields) + sum(
                self._selection(field, type_, self._below(field, data)) for field, type_ in fields
            )
        return sum(self._field(field, type_, data) for field, type_ in fields)

    def _field(self, field: FieldNode, type_: GraphQLNamedType | None, data: Any) -> int:
        if field.selection_set is None or type_ is None:
            return 0
        below = self._below(field, data)
        if data is not None and below is None:
            return 0
        if type_.name.endswith("Connection"):
            return CONNECTION + self._connection(field, type_, below)
        if isinstance(below, list):
            return sum(1 + self._selection(field, type_, each) for each in below if each is not None)
        return self._count(field) * (1 + self._selection(field, type_, below))

    def _connection(self, field: FieldNode, type_: GraphQLNamedType, data: Any) -> int:
        if data is None:
            return self._size(field) * self._each(field, type_)
        found = 0
        for inner, inner_type in self._fields(field.selection_set, type_):
            rows = self._below(inner, data)
            if inner.name.value == "nodes" and isinstance(rows, list):
                found += sum(1 + self._selection(inner, inner_type, row) for row in rows)
            if inner.name.value == "edges" and isinstance(rows, list):
                for deeper, node in self._fields(inner.selection_set, inner_type):
                    if deeper.name.value == "node":
                        found += sum(1 + self._selection(deeper, node, row[_key(deeper)]) for row in rows)
        return found

    def _each(self, field: FieldNode, type_: GraphQLNamedType) -> int:
        most = 1
        for inner, inner_type in self._fields(field.selection_set, type_):
            if inner.name.value == "nodes":
                most = max(most, 1 + self._selection(inner, inner_type, None))
            if inner.name.value == "edges":
                for deeper, node in self._fields(inner.selection_set, inner_type):
                    if deeper.name.value == "node":
                        most = max(most, 1 + self._selection(deeper, node, None))
        return most

    def _selection(self, field: FieldNode, type_: GraphQLNamedType | None, data: Any) -> int:
        """The points of what is selected below a field; of an interface's branches the dearest counts."""
        points: dict[str, int] = {}
        for inner, inner_type, branch in self._branches(field.selection_set, type_):
            points[branch] = points.get(branch, 0) + self._field(inner, inner_type, data)
        plain = points.pop(OWN, 0)
        abstract = isinstance(type_, GraphQLInterfaceType | GraphQLUnionType)
        return plain + (max(points.values(), default=0) if abstract else sum(points.values()))

    def _fields(
        self, selections: SelectionSetNode | None, type_: GraphQLNamedType | None
    ) -> list[tuple[FieldNode, GraphQLNamedType | None]]:
        return [(field, inner) for field, inner, _ in self._branches(selections, type_)]

    def _branches(
        self, selections: SelectionSetNode | None, type_: GraphQLNamedType | None, branch: str = OWN
    ) -> list[tuple[FieldNode, GraphQLNamedType | None, str]]:
        found: list[tuple[FieldNode, GraphQLNamedType | None, str]] = []
        for node in selections.selections if selections else ():
            if isinstance(node, FieldNode):
                found.append((node, self._type_of(node, type_), branch))
            elif isinstance(node, InlineFragmentNode) and node.type_condition is None:
                found += self._branches(node.selection_set, type_, branch)
            elif isinstance(node, InlineFragmentNode | FragmentSpreadNode):
                fragment = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                condition = fragment.type_condition
                name = condition.name.value if condition else OWN
                found += self._branches(fragment.selection_set, self._schema.get_type(name), name)
        return found

    def _type_of(self, field: FieldNode, type_: GraphQLNamedType | None) -> GraphQLNamedType | None:
        if not isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            return None
        definition = type_.fields.get(field.name.value)
        return get_named_type(definition.type) if definition else None

    def _size(self, field: FieldNode) -> int:
        for argument in field.arguments or ():
            if argument.name.value not in {"first", "last"}:
                continue
            if isinstance(argument.value, IntValueNode):
                return int(argument.value.value)
            if isinstance(argument.value, VariableNode):
                return int(self._variables.get(argument.value.name.value) or 0)
        return 0

    def _count(self, field: FieldNode) -> int:
        """How many objects are asked for by `ids`; one where there is no such argument."""
        for argument in field.arguments or ():
            if argument.name.value == "ids" and isinstance(argument.value, VariableNode):
                return len(self._variables.get(argument.value.name.value) or ())
            if argument.name.value == "ids" and isinstance(argument.value, ListValueNode):
                return len(argument.value.values)
        return 1

    @staticmethod
    def _below(field: FieldNode, data: Any) -> Any:
        return data.get(_key(field)) if isinstance(data, Mapping) else None


def _key(field: FieldNode) -> str:
    return field.alias.value if field.alias else field.name.value
