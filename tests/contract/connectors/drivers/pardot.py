"""Pardot: prospects, worked on as an integration does, and visitors who do something."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx

from connectors.ports import Raw
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company
from tests.contract.connectors.kit.driver import Key, PageSize, SourceDriver, Truth

BASE = "/api/v5/objects"


class Prospects:
    """The source of prospects."""

    name: ClassVar[str] = "pardot-prospects"
    vendor: ClassVar[str] = "pardot"
    settings: ClassVar[Mapping[str, str]] = {
        "objects": "Prospect",
        "page_size": "200",
        "start_at": "2026-01-01T00:00:00Z",
    }
    pages: ClassVar[tuple[PageSize, ...]] = ()
    webhooks: ClassVar[bool] = False

    def __init__(self, company: Company) -> None:
        headers = {
            "Authorization": f"Bearer {company.credentials['access_token']}",
            "Pardot-Business-Unit-Id": company.credentials["business_unit_id"],
        }
        self._company = company
        self._user = httpx.AsyncClient(base_url=company.admin.base_url, headers=headers, trust_env=False, timeout=600)
        self._edits = 0

    async def create(self, count: int) -> None:
        """Make prospects."""
        self._edits += 1
        body = {"account": self._company.name, "size": count, "seed": self._edits}
        assert (await self._user.post("/__sandbox/seed", json=body)).is_success

    async def edit(self, key: Key) -> None:
        """Rename a prospect."""
        self._edits += 1
        answer = await self._user.patch(f"{BASE}/prospects/{key[1]}", json={"lastName": f"Edit {self._edits}"})
        assert answer.is_success, answer.text

    async def delete(self, key: Key) -> None:
        """Move a prospect to the recycle bin."""
        answer = await self._user.delete(f"{BASE}/prospects/{key[1]}")
        assert answer.is_success, answer.text

    async def truth(self) -> Truth:
        """Return the names."""
        rows = await self._company.records("prospects")
        return {("Prospect", str(row["id"])): None if row["isDeleted"] else row["lastName"] for row in rows}

    def content(self, raw: Raw) -> Any:
        """Return the name."""
        return loads(raw.body)["lastName"]

    async def subscribe(self, url: str) -> None:
        """Never asked: Pardot has no webhooks."""
        raise NotImplementedError(url)

    async def aclose(self) -> None:
        """End the user's session."""
        await self._user.aclose()

    async def _short_chains(self) -> None:
        """Let chains of pages end after fewer records than one second has."""
        await self._company.put("settings", {"settings": {"page_chain_records": 150}})
        await self.create(400)

    async def _slow_queries(self) -> None:
        """Let the gateway give up on a query."""
        await self._company.fault("status", path="/prospects$", method="GET", status=504, body="<html>Gateway</html>")
        await self.create(50)

    async def _token_ends(self) -> None:
        """Let the access token end before the next page."""
        await self.create(250)
        await self._company.fault("expire_tokens", path="/prospects$", method="GET")
        self._user.headers["Authorization"] = f"Bearer {await self._fresh_token()}"

    async def _five_at_once(self) -> None:
        """Let other integrations use up the calls that may be under way at once."""
        await self.create(50)
        await self._company.fault("throttle", path="/prospects$", method="GET")

    async def _taken_back(self) -> None:
        """Delete prospects and take one back from the bin."""
        first, second = sorted(key for key, name in (await self.truth()).items() if name is not None)[-2:]
        rows = {str(row["id"]): row for row in await self._company.records("prospects")}
        await self.delete(first)
        await self.delete(second)
        back = {"matchEmail": rows[first[1]]["email"], "fields": ["id"]}
        assert (await self._user.post(f"{BASE}/prospects/do/undelete", json=back)).is_success

    async def _fresh_token(self) -> str:
        known = await self._company.admin.get("/__sandbox/credentials", params={"account": self._company.name})
        return str(known.json()["access_token"])

    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {
        "a chain of pages that ends within a second": _short_chains,
        "a query that takes too long": _slow_queries,
        "a token that ends between two pages": _token_ends,
        "others' calls under way": _five_at_once,
        "a deletion taken back": _taken_back,
    }


DRIVERS: Sequence[type[SourceDriver]] = [Prospects]
