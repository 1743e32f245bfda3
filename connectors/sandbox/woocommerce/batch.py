"""`POST <resource>/batch`: many creates, updates and deletes; each row succeeds or fails by itself."""

from typing import Any

from connectors.sandbox.woocommerce.errors import WooError
from connectors.sandbox.woocommerce.resources import Resource
from connectors.sandbox.woocommerce.shop import Entity, Shop

MOST = 100


def run_batch(shop: Shop, resource: Resource, owner: Entity | None, body: Any) -> dict[str, Any]:
    """Carry out a batch; deletes are for good.

    Raises:
        WooError: more than 100 rows, none of which is carried out then.
    """
    if not isinstance(body, dict):
        raise WooError("rest_invalid_json", "Invalid JSON body passed.")
    sections = {name: list(body.get(name) or []) for name in ("create", "update", "delete")}
    if sum(map(len, sections.values())) > MOST:
        message = f"Unable to accept more than {MOST} items for this request."
        raise WooError("woocommerce_rest_request_entity_too_large", message, 413)
    answer: dict[str, Any] = {}
    for name, rows in sections.items():
        if rows:
            answer[name] = [_row(shop, resource, owner, name, row) for row in rows]
    return answer


def _row(shop: Shop, resource: Resource, owner: Entity | None, section: str, row: Any) -> dict[str, Any]:
    id_ = row.get("id", 0) if isinstance(row, dict) else row
    try:
        if section == "create":
            done = resource.create(shop, owner, row)
        else:
            entity = shop.require(resource.kind, id_, status=400 if section == "update" else 404)
            done = _changed(shop, resource, entity, row) if section == "update" else _deleted(shop, resource, entity)
    except WooError as error:
        return {"id": 0 if section == "create" else id_, "error": error.body()}
    return shop.shown(resource.kind, done)


def _changed(shop: Shop, resource: Resource, entity: Entity, row: Any) -> Entity:
    if resource.change is None:
        raise WooError("rest_no_route", "This resource cannot be changed.", 404)
    return resource.change(shop, entity, row)


def _deleted(shop: Shop, resource: Resource, entity: Entity) -> Entity:
    return resource.delete(shop, entity, force=True)
