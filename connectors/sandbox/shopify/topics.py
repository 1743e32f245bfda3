"""Webhook topics: their names in GraphQL and on the wire."""

TOPICS = (
    *("orders/create", "orders/updated", "orders/paid", "orders/cancelled", "orders/delete", "orders/fulfilled"),
    *("orders/edited", "orders/partially_fulfilled", "refunds/create", "order_transactions/create"),
    *("checkouts/create", "checkouts/update", "checkouts/delete", "carts/create", "carts/update"),
    *("customers/create", "customers/update", "customers/delete", "customers/enable", "customers/disable"),
    *("customers_marketing_consent/update", "customers_email_marketing_consent/update", "customers/merge"),
    *("products/create", "products/update", "products/delete", "collections/create", "collections/update"),
    *("inventory_levels/update", "inventory_levels/connect", "inventory_levels/disconnect"),
    *("inventory_items/create", "inventory_items/update", "inventory_items/delete", "fulfillments/create"),
    *("fulfillments/update", "draft_orders/create", "draft_orders/update", "draft_orders/delete"),
    *("bulk_operations/finish", "shop/update", "app/uninstalled"),
)
COMPLIANCE = ("customers/data_request", "customers/redact", "shop/redact")
"""Subscribed to in the app's configuration, never through the API (commerce facts 1.6)."""
BY_ENUM = {topic.upper().replace("/", "_"): topic for topic in TOPICS}
ENUMS = {topic: enum for enum, topic in BY_ENUM.items()}
