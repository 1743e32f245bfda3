"""Stripe: customers and products of an account, worked on through its API."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx

from connectors.ports import Raw
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company
from tests.contract.connectors.kit.driver import Key, PageSize, SourceDriver, Truth

SEEDED_FROM = 10_000
PATHS = {"product": "products", "customer": "customers"}


class Account:
    """The lists and events."""

    name: ClassVar[str] = "stripe"
    vendor: ClassVar[str] = "stripe"
    settings: ClassVar[Mapping[str, str]] = {"objects": ",".join(PATHS)}
    pages: ClassVar[tuple[PageSize, ...]] = (PageSize("connectors.stripe.client.PAGE", 60),)
    webhooks: ClassVar[bool] = True

    def __init__(self, company: Company) -> None:
        headers = {"Authorization": f"Bearer {company.credentials['api_key']}"}
        self._company = company
        self._user = httpx.AsyncClient(base_url=company.admin.base_url, headers=headers, trust_env=False, timeout=60)
        self._edits = 0

    async def create(self, count: int) -> None:
        """Make a product for every nine customers over the API; very many come from the sandbox's seed, unbilled."""
        if count >= SEEDED_FROM:
            await self._company.put("settings", {"settings": {"seed_bills": False}})
            await self._company.put("seed", {"size": count})
            return
        for number in range(count):
            path = "products" if number % 10 == 0 else "customers"
            await self._post(path, {"name": f"Made {number}"})

    async def edit(self, key: Key) -> None:
        """Change a name."""
        self._edits += 1
        await self._post(f"{PATHS[key[0]]}/{key[1]}", {"name": f"Edit {self._edits}"})

    async def delete(self, key: Key) -> None:
        """Delete an object."""
        answer = await self._user.delete(f"/v1/{PATHS[key[0]]}/{key[1]}")
        assert answer.is_success, answer.text

    async def truth(self) -> Truth:
        """Return the names."""
        return {
            (object_type, row["id"]): None if row.get("deleted") else row["name"]
            for object_type in PATHS
            for row in await self._company.records(object_type)
        }

    def content(self, raw: Raw) -> Any:
        """Return the name."""
        return loads(raw.body)["name"]

    async def subscribe(self, url: str) -> None:
        """Have all events sent."""
        await self._company.put("webhooks", {"url": url})

    async def aclose(self) -> None:
        """End the user's session."""
        await self._user.aclose()

    async def _post(self, path: str, form: Mapping[str, str]) -> None:
        answer = await self._user.post(f"/v1/{path}", data=form)
        assert answer.is_success, answer.text

    async def _thirty_days(self) -> None:
        """Let Stripe forget every event there is."""
        newest = (await self._user.get("/v1/events", params={"limit": 1})).json()["data"][0]["id"]
        await self._company.put("settings", {"settings": {"forgotten_event": newest}})

    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {
        "more than thirty days without reading": _thirty_days
    }


DRIVERS: Sequence[type[SourceDriver]] = [Account]
