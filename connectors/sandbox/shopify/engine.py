"""Runs GraphQL documents: checked against the schema, priced, executed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    execute_sync,
    parse,
    validate,
)

from connectors.sandbox.shopify.cost import Cost
from connectors.sandbox.shopify.mutations import mutations
from connectors.sandbox.shopify.readings import SCALARS, readings
from connectors.sandbox.shopify.resolvers import Context, by_name
from connectors.sandbox.shopify.schema import equip

DOCUMENTS = 256


@dataclass(frozen=True, slots=True)
class Query:
    """A document that the schema allows, with its variables and what it may cost."""

    document: DocumentNode
    operation: OperationDefinitionNode
    variables: Mapping[str, Any]
    cost: Cost

    @property
    def requested(self) -> int:
        """The most points it can cost."""
        return self.cost.requested(self.operation)


class Engine:
    """The schema with its resolvers; one for all shops."""

    def __init__(self) -> None:
        self._schema: GraphQLSchema = equip({**readings(), "Mutation": mutations()}, SCALARS)
        # Clients send the same few documents again and again; checking one takes longer than running it.
        self._checked = lru_cache(DOCUMENTS)(self._parsed)

    def prepare(self, text: str, variables: Mapping[str, Any], operation_name: str | None) -> Query:
        """Parse and check. Raises GraphQLError, the first of what is wrong."""
        document = self._checked(text)
        operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
        named = [each for each in operations if each.name and each.name.value == operation_name]
        chosen = named or (operations if operation_name is None else [])
        if len(chosen) != 1:
            raise GraphQLError(
                f"No operation named {operation_name!r}" if operation_name else "An operation name is required"
            )
        fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
        return Query(document, chosen[0], variables, Cost(self._schema, fragments, variables))

    def _parsed(self, text: str) -> DocumentNode:
        document = parse(text)
        if errors := validate(self._schema, document):
            raise errors[0]
        return document

    def run(self, query: Query, context: Context) -> tuple[dict[str, Any] | None, Sequence[GraphQLError]]:
        """Execute; an error that is not the caller's is raised as it is."""
        name = query.operation.name.value if query.operation.name else None
        result = execute_sync(
            self._schema,
            query.document,
            context_value=context,
            variable_values=dict(query.variables),
            operation_name=name,
            field_resolver=by_name,
        )
        for error in result.errors or ():
            if error.original_error is not None and not isinstance(error.original_error, GraphQLError):
                raise error.original_error
        return result.data, result.errors or ()

    def data(self, text: str, context: Context) -> dict[str, Any]:
        """Execute a document that was checked before and return its data. Raises GraphQLError."""
        data, errors = self.run(self.prepare(text, {}, None), context)
        if errors:
            raise errors[0]
        return data or {}
