"""Salesforce: accounts and contacts, worked on through the REST API."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx

from connectors.ports import Raw
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company
from tests.contract.connectors.kit.driver import Key, PageSize, SourceDriver, Truth

DATA = "/services/data/v67.0"
NAMES = {"Account": "Name", "Contact": "LastName"}
AT_ONCE = 200


class Polled:
    """The source that polls."""

    name: ClassVar[str] = "salesforce-poll"
    vendor: ClassVar[str] = "salesforce"
    settings: ClassVar[Mapping[str, str]] = {"objects": "Account,Contact"}
    pages: ClassVar[tuple[PageSize, ...]] = (PageSize("connectors.salesforce.client.PAGE", 200),)
    webhooks: ClassVar[bool] = False

    def __init__(self, company: Company) -> None:
        headers = {"Authorization": f"Bearer {company.credentials['access_token']}"}
        self._company = company
        self._user = httpx.AsyncClient(base_url=company.admin.base_url, headers=headers, trust_env=False, timeout=60)
        self._edits = 0

    async def create(self, count: int) -> None:
        """Make one account for every ten contacts."""
        accounts = max(1, count // 10)
        await self._create_all("Account", [{"Name": f"Company {n}"} for n in range(accounts)])
        await self._create_all("Contact", [{"LastName": f"Person {n}"} for n in range(count - accounts)])

    async def _create_all(self, object_type: str, records: Sequence[dict[str, Any]]) -> None:
        for start in range(0, len(records), AT_ONCE):
            rows = [{"attributes": {"type": object_type}, **record} for record in records[start : start + AT_ONCE]]
            answer = await self._user.post(f"{DATA}/composite/sobjects", json={"allOrNone": True, "records": rows})
            assert all(row["success"] for row in answer.json()), answer.text

    async def edit(self, key: Key) -> None:
        """Rename a record."""
        self._edits += 1
        object_type, record_id = key
        name = {NAMES[object_type]: f"Edit {self._edits}"}
        answer = await self._user.patch(f"{DATA}/sobjects/{object_type}/{record_id}", json=name)
        assert answer.is_success, answer.text

    async def delete(self, key: Key) -> None:
        """Move a record to the recycle bin."""
        answer = await self._user.delete(f"{DATA}/sobjects/{key[0]}/{key[1]}")
        assert answer.is_success, answer.text

    async def truth(self) -> Truth:
        """Return the names."""
        return {
            (object_type, row["Id"]): None if row["IsDeleted"] else row[name]
            for object_type, name in NAMES.items()
            for row in await self._company.records(object_type)
        }

    def content(self, raw: Raw) -> Any:
        """Return the name."""
        return loads(raw.body)[NAMES[raw.object]]

    async def subscribe(self, url: str) -> None:
        """Never asked: Salesforce has no webhooks."""
        raise NotImplementedError(url)

    async def aclose(self) -> None:
        """End the user's session."""
        await self._user.aclose()

    async def _session_ends(self) -> None:
        """Let the session end between two pages of a query, with edits before and after."""
        await self.create(2 * AT_ONCE)
        await self._company.fault("expire_tokens", path="/query/01g")

    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {
        "a session that ends between two pages": _session_ends
    }


DRIVERS: Sequence[type[SourceDriver]] = [Polled]
