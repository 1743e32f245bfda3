"""What each resource does when it is created, changed and deleted: the table behind the routes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.woocommerce import catalogue, customers, hooks, orders, refunds
from connectors.sandbox.woocommerce.errors import WooError, invalid
from connectors.sandbox.woocommerce.kinds import (
    COUPON,
    CUSTOMER,
    NOTE,
    ORDER,
    PRODUCT,
    REFUND,
    TAX,
    VARIATION,
    WEBHOOK,
    Kind,
)
from connectors.sandbox.woocommerce.shop import TRASHED, Entity, Shop
from connectors.sandbox.woocommerce.values import amount, money

TRASH_UNSUPPORTED = 501


@dataclass(frozen=True, slots=True)
class Resource:
    """One row: `create` gets the owner (None without one) and the body, `change` the object and the body.

    `change` None: the resource cannot be changed; `trash` None: it has no trash.
    """

    kind: Kind
    create: Callable[[Shop, Entity | None, Any], Entity]
    remove: Callable[[Shop, Entity], None]
    change: Callable[[Shop, Entity, Any], Entity] | None = None
    trash: Callable[[Shop, Entity], Entity] | None = None
    batch: bool = True

    def delete(self, shop: Shop, entity: Entity, *, force: bool) -> Entity:
        """Delete, or without `force` move to the trash; returns the last state.

        Raises:
            WooError: no trash, or already there.
        """
        if force:
            self.remove(shop, entity)
            return entity
        if self.trash is None:
            message = f"{self.kind.path.rpartition('/')[2].capitalize()} do not support trashing."
            raise WooError("woocommerce_rest_trash_not_supported", message, TRASH_UNSUPPORTED)
        if entity.get("status") == TRASHED:
            raise WooError("woocommerce_rest_already_trashed", f"The {self.kind.code} has already been deleted.", 410)
        return self.trash(shop, entity)


def _owner(owner: Entity | None) -> Entity:
    if owner is None:
        raise TypeError("this resource has an owner")
    return owner


def _note(shop: Shop, order: Entity | None, body: Any) -> Entity:
    sent = shop.checked(NOTE, body, "note")
    author = "admin" if sent.pop("added_by_user", False) else "WooCommerce"
    return shop.insert(NOTE, {**NOTE.blank, **sent, "author": author}, parent=_owner(order)["id"])


def _coupon(shop: Shop, _owner: Entity | None, body: Any) -> Entity:
    sent = _coupon_fields(shop, shop.checked(COUPON, body, "code"))
    if shop.find(COUPON.name, "code", sent["code"]):
        raise WooError("woocommerce_rest_coupon_code_already_exists", "The coupon code already exists")
    return shop.insert(COUPON, shop.merged(COUPON, dict(COUPON.blank), sent))


def _change_coupon(shop: Shop, coupon: Entity, body: Any) -> Entity:
    return shop.replace(COUPON, shop.merged(COUPON, coupon, _coupon_fields(shop, shop.checked(COUPON, body))))


def _coupon_fields(_shop: Shop, sent: Entity) -> Entity:
    if sent.get("discount_type", "percent") not in {"percent", "fixed_cart", "fixed_product"}:
        raise invalid({"discount_type": "discount_type is not one of percent, fixed_cart, and fixed_product."})
    if "code" in sent:
        sent["code"] = sent["code"].lower()
    for name in ("amount", "minimum_amount"):
        if name in sent:
            sent[name] = money(amount(sent[name]))
    return sent


def _trash_coupon(shop: Shop, coupon: Entity) -> Entity:
    return shop.replace(COUPON, {**coupon, "_trashed": "1", "status": TRASHED}, "deleted")


def _tax(shop: Shop, _owner: Entity | None, body: Any) -> Entity:
    return shop.insert(TAX, _rate({**TAX.blank, **shop.checked(TAX, body)}))


def _change_tax(shop: Shop, tax: Entity, body: Any) -> Entity:
    return shop.replace(TAX, _rate({**tax, **shop.checked(TAX, body)}))


def _rate(tax: Entity) -> Entity:
    return {**tax, "rate": f"{amount(tax['rate']):.4f}"}


def _eraser(kind: Kind) -> Callable[[Shop, Entity], None]:
    return lambda shop, entity: shop.erase(kind, entity)


RESOURCES: Mapping[str, Resource] = {
    row.kind.path: row
    for row in (
        Resource(CUSTOMER, lambda shop, _, body: customers.create(shop, body), _eraser(CUSTOMER), customers.change),
        Resource(
            PRODUCT,
            lambda shop, _, body: catalogue.create(shop, body),
            lambda shop, entity: catalogue.remove(shop, PRODUCT, entity),
            lambda shop, entity, body: catalogue.change(shop, PRODUCT, entity, body),
            catalogue.trash,
        ),
        Resource(
            VARIATION,
            lambda shop, owner, body: catalogue.create_variation(shop, _owner(owner), body),
            lambda shop, entity: catalogue.remove(shop, VARIATION, entity),
            lambda shop, entity, body: catalogue.change(shop, VARIATION, entity, body),
        ),
        Resource(ORDER, lambda shop, _, body: orders.create(shop, body), _eraser(ORDER), orders.change, orders.trash),
        Resource(
            REFUND, lambda shop, owner, body: refunds.create(shop, _owner(owner), body), refunds.remove, batch=False
        ),
        Resource(NOTE, _note, _eraser(NOTE), batch=False),
        Resource(COUPON, _coupon, _eraser(COUPON), _change_coupon, _trash_coupon),
        Resource(TAX, _tax, _eraser(TAX), _change_tax),
        Resource(WEBHOOK, lambda shop, _, body: hooks.create(shop, body), hooks.remove, hooks.change),
    )
}
