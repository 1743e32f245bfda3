"""Mutations: global ids looked up, content handed on, what is refused told as `userErrors` with nothing written."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

from connectors.sandbox.json_text import dumps
from connectors.sandbox.shopify import bulk, customers, hooks, inventory, orders, products, refunds
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.ids import number_of
from connectors.sandbox.shopify.paging import bad
from connectors.sandbox.shopify.resolvers import Info, snake
from connectors.sandbox.shopify.shop import Row, Shop

IDEMPOTENT_FROM = "2026-04"
"""From this version on the mutations below must carry `@idempotent` (commerce facts 1.3)."""
IDEMPOTENT = {"inventorySetQuantities", "inventoryAdjustQuantities", "refundCreate"}
SAVEPOINT = "mutation"
Payload = dict[str, Any]
Change = Callable[..., Payload]


def snaked(value: Any) -> Any:
    """An input with its names in snake case."""
    if isinstance(value, dict):
        return {snake(name): snaked(item) for name, item in value.items()}
    return [snaked(item) for item in value] if isinstance(value, list) else value


def guarded(name: str, change: Change) -> Callable[..., Payload]:
    """Run a mutation so that an error leaves nothing behind, and once for one idempotency key."""

    def resolve(_source: Any, info: Info, **args: Any) -> Payload:
        shop = info.context.shop
        key = _key(info, shop)
        known = _replayed(shop, key, name, args) if key else None
        if known is not None:
            return known
        written, events = len(shop.written), len(shop.events)
        shop.ctx.database.execute(f"SAVEPOINT {SAVEPOINT}")
        try:
            payload = {**change(shop, **args), "user_errors": []}
        except Problem as problem:
            _undo(shop, written, events)
            payload = {"user_errors": [{"field": problem.field, "message": problem.message, "code": problem.code}]}
        except BaseException:
            _undo(shop, written, events)
            raise
        shop.ctx.database.execute(f"RELEASE {SAVEPOINT}")
        if key and not payload["user_errors"]:
            shop.ctx.database.set_value(shop.account, key, {"args": _digest(name, args), "payload": payload})
        return payload

    return resolve


def _undo(shop: Shop, written: int, events: int) -> None:
    shop.ctx.database.execute(f"ROLLBACK TO {SAVEPOINT}")
    del shop.written[written:]
    del shop.events[events:]


def _key(info: Info, shop: Shop) -> str | None:
    for directive in info.field_nodes[0].directives or ():
        if directive.name.value == "idempotent":
            values = {argument.name.value: argument.value for argument in directive.arguments or ()}
            node = values["key"]
            name = getattr(getattr(node, "name", None), "value", None)
            value = info.context.variables.get(name) if name else getattr(node, "value", None)
            return f"idempotent/{value}"
    if info.field_name in IDEMPOTENT and shop.version >= IDEMPOTENT_FROM:
        raise bad(
            f"The @idempotent directive is required for this mutation but was not provided: {info.field_name}",
            "BAD_REQUEST",
        )
    return None


def _replayed(shop: Shop, key: str, name: str, args: Mapping[str, Any]) -> Payload | None:
    known = shop.ctx.database.value(shop.account, key)
    if known is None:
        return None
    if known["args"] != _digest(name, args):
        text, code = "The idempotency key was used with other parameters", "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
        return {"user_errors": [{"field": None, "message": text, "code": code}]}
    payload: Payload = known["payload"]
    return payload


def _digest(name: str, args: Mapping[str, Any]) -> str:
    return hashlib.sha256(f"{name}{dumps(dict(args))}".encode()).hexdigest()


def _found(shop: Shop, kind: str, gid: Any, *field: str) -> Row:
    row = shop.get(kind, number_of(str(gid or ""), kind))
    if row is None:
        raise Problem(f"{kind} does not exist", *field)
    return row


def _customer_create(shop: Shop, input: Row) -> Payload:  # noqa: A002 (the argument's name, here and below)
    return {"customer": customers.create(shop, snaked(input))}


def _customer_update(shop: Shop, input: Row) -> Payload:  # noqa: A002
    return {"customer": customers.update(shop, _found(shop, "Customer", input.get("id"), "id"), snaked(input))}


def _customer_delete(shop: Shop, input: Row) -> Payload:  # noqa: A002
    row = _found(shop, "Customer", input["id"], "id")
    customers.delete(shop, row)
    return {"deleted_customer_id": f"gid://shopify/Customer/{row['id']}", "shop": shop.profile}


def _product_create(shop: Shop, product: Row | None = None) -> Payload:
    return {"product": products.create(shop, snaked(product or {}))}


def _product_update(shop: Shop, product: Row | None = None) -> Payload:
    sent = product or {}
    return {"product": products.update(shop, _found(shop, "Product", sent.get("id"), "id"), snaked(sent))}


def _product_delete(shop: Shop, input: Row, **_: Any) -> Payload:  # noqa: A002
    row = _found(shop, "Product", input["id"], "id")
    products.delete(shop, row)
    return {"deleted_product_id": f"gid://shopify/Product/{row['id']}", "shop": shop.profile}


def _variants_create(shop: Shop, productId: str, variants: list[Row], strategy: str) -> Payload:  # noqa: N803
    product = _found(shop, "Product", productId, "productId")
    made = products.add_variants(shop, product, snaked(variants), strategy)
    return {"product": shop.need("Product", product["id"]), "product_variants": made}


def _variants_update(shop: Shop, productId: str, variants: list[Row], **_: Any) -> Payload:  # noqa: N803
    product = _found(shop, "Product", productId, "productId")
    return {"product": product, "product_variants": products.change_variants(shop, product, snaked(variants))}


def _set_quantities(shop: Shop, input: Row) -> Payload:  # noqa: A002
    return {"inventory_adjustment_group": inventory.set_quantities(shop, input)}


def _adjust_quantities(shop: Shop, input: Row) -> Payload:  # noqa: A002
    return {"inventory_adjustment_group": inventory.adjust(shop, input)}


def _order_create(shop: Shop, order: Row, options: Row | None = None) -> Payload:
    behaviour = (options or {}).get("inventoryBehaviour") or "BYPASS"
    return {"order": orders.create(shop, snaked(order), behaviour)}


def _order_update(shop: Shop, input: Row) -> Payload:  # noqa: A002
    return {"order": orders.update(shop, _found(shop, "Order", input["id"], "id"), snaked(input))}


def _order_paid(shop: Shop, input: Row) -> Payload:  # noqa: A002
    return {"order": orders.mark_paid(shop, _found(shop, "Order", input["id"], "id"))}


def _order_close(shop: Shop, input: Row) -> Payload:  # noqa: A002
    return {"order": orders.close(shop, _found(shop, "Order", input["id"], "id"))}


def _order_cancel(shop: Shop, orderId: str, reason: str, *, restock: bool, **_: Any) -> Payload:  # noqa: N803
    row = _found(shop, "Order", orderId, "orderId")
    orders.cancel(shop, row, reason, restock=restock)
    return {"job": {"id": f"gid://shopify/Job/{shop.next_id('Job')}", "done": True}, "order_cancel_user_errors": []}


def _order_delete(shop: Shop, orderId: str) -> Payload:  # noqa: N803
    row = _found(shop, "Order", orderId, "orderId")
    orders.delete(shop, row)
    return {"deleted_id": f"gid://shopify/Order/{row['id']}"}


def _refund_create(shop: Shop, input: Row) -> Payload:  # noqa: A002
    order = _found(shop, "Order", input["orderId"], "orderId")
    return {"refund": refunds.create(shop, order, snaked(input)), "order": order}


def _hook_create(shop: Shop, topic: str, webhookSubscription: Row) -> Payload:  # noqa: N803
    return {"webhook_subscription": hooks.create(shop, topic, snaked(webhookSubscription))}


def _hook_update(shop: Shop, id: str, webhookSubscription: Row) -> Payload:  # noqa: A002, N803
    row = _found(shop, "WebhookSubscription", id, "id")
    return {"webhook_subscription": hooks.update(shop, row, snaked(webhookSubscription))}


def _hook_delete(shop: Shop, id: str) -> Payload:  # noqa: A002
    hooks.delete(shop, _found(shop, "WebhookSubscription", id, "id"))
    return {"deleted_webhook_subscription_id": id}


def _bulk_query(shop: Shop, query: str, *, groupObjects: bool | None = None) -> Payload:  # noqa: N803
    grouped = groupObjects if groupObjects is not None else shop.version < bulk.UNGROUPED_FROM
    return {"bulk_operation": bulk.begin(shop, query, grouped=grouped)}


def _bulk_cancel(shop: Shop, id: str) -> Payload:  # noqa: A002
    return {"bulk_operation": bulk.cancel(shop, _found(shop, "BulkOperation", id, "id"))}


CHANGES: Mapping[str, Change] = {
    "customerCreate": _customer_create,
    "customerUpdate": _customer_update,
    "customerDelete": _customer_delete,
    "productCreate": _product_create,
    "productUpdate": _product_update,
    "productDelete": _product_delete,
    "productVariantsBulkCreate": _variants_create,
    "productVariantsBulkUpdate": _variants_update,
    "inventorySetQuantities": _set_quantities,
    "inventoryAdjustQuantities": _adjust_quantities,
    "orderCreate": _order_create,
    "orderUpdate": _order_update,
    "orderMarkAsPaid": _order_paid,
    "orderClose": _order_close,
    "orderCancel": _order_cancel,
    "orderDelete": _order_delete,
    "refundCreate": _refund_create,
    "webhookSubscriptionCreate": _hook_create,
    "webhookSubscriptionUpdate": _hook_update,
    "webhookSubscriptionDelete": _hook_delete,
    "bulkOperationRunQuery": _bulk_query,
    "bulkOperationCancel": _bulk_cancel,
}


def mutations() -> dict[str, Callable[..., Payload]]:
    """The resolvers of the Mutation type."""
    return {name: guarded(name, change) for name, change in CHANGES.items()}
