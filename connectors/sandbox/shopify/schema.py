"""The GraphQL schema: `schema.graphql` with its connections; resolvers are put to its fields when the vendor starts."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from graphql import GraphQLObjectType, GraphQLScalarType, GraphQLSchema, build_schema

from connectors.sandbox.shopify.topics import BY_ENUM

SOURCE = Path(__file__).with_name("schema.graphql")
CONNECTED = (
    *("Customer", "Product", "ProductVariant", "InventoryItem", "InventoryLevel", "Location", "Order", "LineItem"),
    *("ShippingLine", "RefundLineItem", "OrderTransaction", "AbandonedCheckout", "AbandonedCheckoutLineItem"),
    *("DeletionEvent", "WebhookSubscription"),
)
Resolver = Callable[..., Any]


@cache
def schema() -> GraphQLSchema:
    """The schema, without resolvers."""
    connections = "".join(
        f"type {name}Connection {{ edges: [{name}Edge!]! nodes: [{name}!]! pageInfo: PageInfo! }}\n"
        f"type {name}Edge {{ cursor: String! node: {name}! }}\n"
        for name in CONNECTED
    )
    topics = f"enum WebhookSubscriptionTopic {{ {' '.join(BY_ENUM)} }}\n"
    return build_schema(SOURCE.read_text(encoding="utf-8") + connections + topics)


def equip(resolvers: Mapping[str, Mapping[str, Resolver]], scalars: Mapping[str, Resolver]) -> GraphQLSchema:
    """Put resolvers to the schema's fields by type and field; `scalars` write the values of these types."""
    made = schema()
    for type_name, fields in resolvers.items():
        type_ = made.type_map[type_name]
        if not isinstance(type_, GraphQLObjectType):
            raise TypeError(f"{type_name} is no object type")
        for field, resolve in fields.items():
            type_.fields[field].resolve = resolve
    for name, write in scalars.items():
        scalar = made.type_map[name]
        if not isinstance(scalar, GraphQLScalarType):
            raise TypeError(f"{name} is no scalar")
        scalar.coerce_output_value = write
    return made
