"""QuickBooks: invoices and sales receipts, worked on through the API."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx

from connectors.ports import Raw
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company
from tests.contract.connectors.kit.driver import Key, PageSize, SourceDriver, Truth

CAP, BATCH = 200, 30
ENTITIES = ("Invoice", "SalesReceipt")
DAYS = 86_400
LINE = {"DetailType": "SalesItemLineDetail", "Amount": 5, "SalesItemLineDetail": {"ItemRef": {"value": "1"}}}


class Swept:
    """The source that sweeps by capture and query; a sweep is always due, capture tells 200 objects at most."""

    name: ClassVar[str] = "quickbooks"
    vendor: ClassVar[str] = "quickbooks"
    settings: ClassVar[Mapping[str, str]] = {
        "objects": ",".join(ENTITIES),
        "sweep_seconds": "0",
        "monthly_reads": "1000000000",
    }
    pages: ClassVar[tuple[PageSize, ...]] = (
        PageSize("connectors.quickbooks.source.PAGE", CAP),
        PageSize("connectors.quickbooks.client.CAPTURE_MOST", CAP),
        PageSize("connectors.sandbox.quickbooks.cdc.MOST", CAP),
    )
    webhooks: ClassVar[bool] = True

    def __init__(self, company: Company) -> None:
        headers = {"Authorization": f"Bearer {company.credentials['access_token']}"}
        base = f"{company.admin.base_url}/v3/company/{company.credentials['realm']}"
        self._company = company
        self._user = httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=120)
        self._customer = ""
        self._tokens: dict[Key, str] = {}
        self._deleted: dict[Key, None] = {}
        self._edits = 0

    async def create(self, count: int) -> None:
        """Make half of them invoices, in batches."""
        sale = {"CustomerRef": {"value": await self._buyer()}, "Line": [LINE]}
        kinds = [ENTITIES[number % 2] for number in range(count)]
        for start in range(0, count, BATCH):
            items = [
                {"bId": str(n), "operation": "create", kind: sale}
                for n, kind in enumerate(kinds[start : start + BATCH])
            ]
            answer = await self._post("batch", {"BatchItemRequest": items})
            for made in answer["BatchItemResponse"]:
                [(kind, entity)] = [(kind, made[kind]) for kind in ENTITIES if kind in made]
                self._tokens[kind, entity["Id"]] = entity["SyncToken"]

    async def edit(self, key: Key) -> None:
        """Write another note."""
        self._edits += 1
        body = {**self._reference(key), "sparse": True, "PrivateNote": f"Edit {self._edits}"}
        self._tokens[key] = (await self._post(key[0].lower(), body))[key[0]]["SyncToken"]

    async def delete(self, key: Key) -> None:
        """Delete for good."""
        await self._post(f"{key[0].lower()}?operation=delete", self._reference(key))
        del self._tokens[key]
        self._deleted[key] = None

    async def truth(self) -> Truth:
        """Return the notes."""
        return {
            **self._deleted,
            **{
                (kind, row["Id"]): row.get("PrivateNote", "")
                for kind in ENTITIES
                for row in await self._company.records(kind)
            },
        }

    def content(self, raw: Raw) -> Any:
        """Return the note."""
        return loads(raw.body).get("PrivateNote", "")

    async def subscribe(self, url: str) -> None:
        """Have webhooks of invoices and receipts sent; the customer is there before."""
        await self._buyer()
        await self._company.put("webhooks", {"url": url})

    async def aclose(self) -> None:
        """End the user's session."""
        await self._user.aclose()

    async def _buyer(self) -> str:
        if not self._customer:
            made = await self._post("customer", {"DisplayName": "Acme"})
            self._customer = made["Customer"]["Id"]
        return self._customer

    def _reference(self, key: Key) -> dict[str, str]:
        return {"Id": key[1], "SyncToken": self._tokens[key]}

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = await self._user.post(f"/{path}", json=body)
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def _many_changes(self) -> None:
        """Change and delete more than capture tells."""
        await self.create(3 * CAP)
        for key in list(self._tokens)[-CAP:]:
            await self.delete(key)

    async def _long_silence(self) -> None:
        """Let QuickBooks' calendar go 40 days on, with a deletion and new objects at the beginning."""
        await self.delete(list(self._tokens)[-1])
        await self.create(CAP)
        await self._company.put("settings", {"settings": {"clock_skew_seconds": 40 * DAYS}})

    async def _token_ends(self) -> None:
        """Let the access token end in the middle of a repair."""
        await self._many_changes()
        await self._company.fault("expire_tokens", path="/query$")

    async def _capture_fails(self) -> None:
        """Let capture fail at first, and answer cut off then."""
        await self.create(CAP)
        await self._company.fault("status", status=503, path="/cdc$", body="{}")
        await self._company.fault("malformed_body", path="/cdc$")

    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {
        "more changes than capture tells": _many_changes,
        "more than capture's 30 days": _long_silence,
        "a token that ends between two pages": _token_ends,
        "a capture that fails": _capture_fails,
    }


DRIVERS: Sequence[type[SourceDriver]] = [Swept]
