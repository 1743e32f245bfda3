"""Reads named objects of one shop, a hundred at a time."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from connectors.errors import RejectedError
from connectors.ports import Raw
from connectors.wire import dumps
from connectors.woocommerce.client import PAGE, WooClient
from connectors.woocommerce.objects import CART, KINDS, ORDER, Entity, Kind, modified, records, version

SINGLE: Mapping[str, str] = {"product": "products", "variation": "products", "customer": "customers", "order": "orders"}
"""Where one object is read; a variation answers among the products. A refund is only listed."""


class WooCommerceFetcher:
    """Fetches by `include`."""

    def __init__(self, client: WooClient) -> None:
        self._client = client

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Return one Raw per id; what a list leaves out (trash, or gone) is read singly first.

        Raises:
            ConnectorError: nothing was read. RejectedError: objects of that type are not read.
        """
        kind = KINDS.get(ORDER if object_type == CART else object_type)
        if kind is None:
            raise RejectedError(f"WooCommerce has no {object_type}; it has {', '.join(KINDS)} and {CART}")
        unique = list(dict.fromkeys(ids))
        found: dict[str, tuple[Entity, datetime]] = {}
        for start in range(0, len(unique), PAGE):
            include = {"include": ",".join(unique[start : start + PAGE])}
            page = await self._client.page(kind, include)
            found |= {str(row["id"]): (row, page.read) for row in page.rows}
        return [await self._raw(object_type, kind, id_, found.get(id_)) for id_ in unique]

    async def _raw(self, object_type: str, kind: Kind, id_: str, listed: tuple[Entity, datetime] | None) -> Raw:
        entity, read = listed or await self._single(kind, id_)
        if entity is None:
            return Raw(object_type, id_, version(read, read), b"{}", deleted=True)
        deleted = any(raw.deleted for raw in records(kind, entity, read))
        body = b"{}" if deleted else dumps(entity)
        return Raw(object_type, id_, version(modified(entity), read), body, deleted=deleted)

    async def _single(self, kind: Kind, id_: str) -> tuple[Entity | None, datetime]:
        if kind.name in SINGLE:
            return await self._client.read(SINGLE[kind.name], id_)
        page = await self._client.page(kind, {"include": id_})
        return (page.rows[0] if page.rows else None), page.read
