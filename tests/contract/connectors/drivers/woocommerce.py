"""WooCommerce: products, customers and orders of a shop, worked on through its REST API."""

import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx

from connectors.ports import Raw
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company
from tests.contract.connectors.kit.driver import Key, PageSize, SourceDriver, Truth

API = "/wp-json/wc/v3"
AT_ONCE = 100
FIELDS = {
    "product": ("products", "name"),
    "customer": ("customers", "first_name"),
    "order": ("orders", "customer_note"),
}
"""Object -> path and the field that is edited."""


class Shop:
    """The sweeps and rounds; everything that is gone for good must be noticed at each reading."""

    name: ClassVar[str] = "woocommerce"
    vendor: ClassVar[str] = "woocommerce"
    settings: ClassVar[Mapping[str, str]] = {
        "objects": ",".join(FIELDS),
        "customers_seconds": "0",
        "census_seconds": "0",
    }
    pages: ClassVar[tuple[PageSize, ...]] = (PageSize("connectors.woocommerce.client.PAGE", 90),)
    webhooks: ClassVar[bool] = True

    def __init__(self, company: Company) -> None:
        params = {"consumer_key": company.credentials["consumer_key"]}
        params["consumer_secret"] = company.credentials["consumer_secret"]
        self._company = company
        verify = ssl.create_default_context(cafile=company.credentials["ca_file"])
        self._user = httpx.AsyncClient(
            base_url=company.credentials["https_url"], params=params, verify=verify, trust_env=False, timeout=60
        )
        self._made = 0
        self._edits = 0

    async def create(self, count: int) -> None:
        """Make a product and a customer for every ten orders."""
        few = max(1, count // 10)
        await self._create_all("product", few)
        await self._create_all("customer", few)
        await self._create_all("order", count - 2 * few)

    async def _create_all(self, object_type: str, count: int) -> None:
        path, field = FIELDS[object_type]
        for start in range(0, count, AT_ONCE):
            rows = []
            for _ in range(min(AT_ONCE, count - start)):
                self._made += 1
                named = {"email": f"p{self._made}@customer.example"} if object_type == "customer" else {}
                rows.append({field: f"Made {self._made}", **named})
            answer = await self._user.post(f"{API}/{path}/batch", json={"create": rows})
            assert all("error" not in row for row in answer.json()["create"]), answer.text

    async def edit(self, key: Key) -> None:
        """Change a text."""
        self._edits += 1
        path, field = FIELDS[key[0]]
        answer = await self._user.put(f"{API}/{path}/{key[1]}", json={field: f"Edit {self._edits}"})
        assert answer.is_success, answer.text

    async def delete(self, key: Key) -> None:
        """Delete: customers for good, as they have no trash; the others to the trash."""
        params = {"force": "true" if key[0] == "customer" else "false"}
        answer = await self._user.delete(f"{API}/{FIELDS[key[0]][0]}/{key[1]}", params=params)
        assert answer.is_success, answer.text

    async def truth(self) -> Truth:
        """Return the texts."""
        return {
            (object_type, str(row["id"])): None if row.get("status") == "trash" else row[field]
            for object_type, (_, field) in FIELDS.items()
            for row in await self._company.records(object_type)
        }

    def content(self, raw: Raw) -> Any:
        """Return the text."""
        return loads(raw.body)[FIELDS[raw.object][1]]

    async def subscribe(self, url: str) -> None:
        """Have all topics sent."""
        await self._company.put("webhooks", {"url": url})

    async def aclose(self) -> None:
        """End the user's session."""
        await self._user.aclose()

    async def _deleted_for_good(self) -> None:
        """Delete an order past the trash: no webhook, no stamp, no row left."""
        order = next(key for key, content in (await self.truth()).items() if content is not None and key[0] == "order")
        answer = await self._user.delete(f"{API}/orders/{order[1]}", params={"force": "true"})
        assert answer.is_success, answer.text

    async def _bulk_edit(self) -> None:
        """Edit more orders than a page holds in one request, so that they share a second."""
        await self._create_all("order", AT_ONCE)
        orders = [key[1] for key, content in (await self.truth()).items() if content is not None and key[0] == "order"]
        rows = [{"id": int(id_), "customer_note": f"Bulk {id_}"} for id_ in orders[-AT_ONCE:]]
        answer = await self._user.post(f"{API}/orders/batch", json={"update": rows})
        assert answer.is_success, answer.text

    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {
        "an order deleted for good": _deleted_for_good,
        "a bulk edit within one second": _bulk_edit,
    }


DRIVERS: Sequence[type[SourceDriver]] = [Shop]
