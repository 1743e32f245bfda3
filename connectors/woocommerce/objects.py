"""What is read of a shop, and how versions are told apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from connectors.errors import RejectedError
from connectors.ports import Raw
from connectors.wire import dumps, iso_micros

Entity = dict[str, Any]
CART, ORDER = "cart", "order"
DRAFT, TRASH = "checkout-draft", "trash"


@dataclass(frozen=True, slots=True)
class Kind:
    """One object.

    Attributes:
        name: in our records.
        path: of its list.
        windows: the list can be asked for what was modified after an instant.
        trash: deleted objects stay in the list of status `trash`.
        extra: parameters every list needs.
    """

    name: str
    path: str
    windows: bool = True
    trash: bool = False
    extra: Mapping[str, str] = field(default_factory=dict)


KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("product", "products", trash=True),
        Kind("variation", "variations"),
        Kind("customer", "customers", windows=False, extra={"role": "all"}),
        Kind("order", "orders", trash=True),
        Kind("refund", "refunds"),
    )
}


def modified(entity: Mapping[str, Any]) -> datetime:
    """Return when an object was last modified, or made: `*_gmt` dates say no zone.

    Raises:
        RejectedError: neither can be read.
    """
    for name in ("date_modified_gmt", "date_created_gmt"):
        if entity.get(name):
            try:
                return datetime.fromisoformat(str(entity[name])).replace(tzinfo=UTC)
            except ValueError:
                break
    raise RejectedError(f"WooCommerce object {entity.get('id')}: date_modified_gmt is unreadable")


def version(changed: datetime, read: datetime) -> str:
    """Return `<modified>/<read>`: within a second of the shop's, which was read later is newer."""
    return f"{iso_micros(changed)}/{iso_micros(read)}"


def records(kind: Kind, entity: Entity, read: datetime) -> Iterator[Raw]:
    """Yield what an object is to us: an order that a cart became is both, a draft is a cart alone."""
    id_, stamp = str(entity["id"]), version(modified(entity), read)
    deleted = entity.get("status") == TRASH
    body = b"{}" if deleted else dumps(entity)
    draft = entity.get("status") == DRAFT
    if kind.name == ORDER and (draft or (entity.get("cart_hash") and not deleted)):
        yield Raw(CART, id_, stamp, body)
    if not (kind.name == ORDER and draft):
        yield Raw(kind.name, id_, stamp, body, deleted=deleted)
