"""Salesforce: accounts and contacts, worked on through the REST API."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

from connectors.ports import Raw
from connectors.wire import loads
from tests.contract.connectors.kit.company import Company
from tests.contract.connectors.kit.driver import Key, PageSize, SourceDriver, Truth
from tests.contract.connectors.kit.salesforce_user import AT_ONCE, User

SEEDED_FROM = 10_000
NAMES = {"Account": "Name", "Contact": "LastName"}


class Polled:
    """The source that polls."""

    name: ClassVar[str] = "salesforce-poll"
    vendor: ClassVar[str] = "salesforce"
    settings: ClassVar[Mapping[str, str]] = {"objects": "Account,Contact", "changes": "poll"}
    pages: ClassVar[tuple[PageSize, ...]] = (PageSize("connectors.salesforce.client.PAGE", 200),)
    webhooks: ClassVar[bool] = False

    def __init__(self, company: Company) -> None:
        self._company = company
        self._user = User(company)
        self._edits = 0

    async def create(self, count: int) -> None:
        """Make one account for every ten contacts; very many come from the sandbox's own seed, one for every four."""
        if count >= SEEDED_FROM:
            await self._company.put("seed", {"size": count})
            return
        accounts = max(1, count // 10)
        await self._user.create_many("Account", [{"Name": f"Company {n}"} for n in range(accounts)])
        await self._user.create_many("Contact", [{"LastName": f"Person {n}"} for n in range(count - accounts)])

    async def edit(self, key: Key) -> None:
        """Rename a record."""
        self._edits += 1
        object_type, record_id = key
        await self._user.update(object_type, record_id, **{NAMES[object_type]: f"Edit {self._edits}"})

    async def delete(self, key: Key) -> None:
        """Move a record to the recycle bin."""
        await self._user.delete(*key)

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


class Streamed(Polled):
    """The source that follows change events; its backfill is a bulk job of several pages."""

    name = "salesforce-stream"
    settings: ClassVar[Mapping[str, str]] = {"objects": "Account,Contact", "overlap_seconds": "1"}
    pages: ClassVar[tuple[PageSize, ...]] = (
        *Polled.pages,
        PageSize("connectors.salesforce.history.BULK_FROM", 100),
        PageSize("connectors.salesforce.bulk.PAGE", 100),
    )

    async def create(self, count: int) -> None:
        """Make records, in an org whose bus does not keep a new subscriber waiting for its first word."""
        await self._company.put("settings", {"settings": {"keepalive_milliseconds": 300}})
        await super().create(count)

    async def _expires(self) -> None:
        """Let the stored replay id, and every event since, be forgotten, as after 72 hours."""
        await self.create(5)
        await self._company.fault("expire_replay_ids")

    async def _gap(self) -> None:
        """Let an event arrive without content."""
        await self._company.fault("gap_event")
        await self.edit(await self._any())

    async def _overflow(self) -> None:
        """Let a transaction have too many changes to name them."""
        await self._company.fault("event_overflow")
        await self.create(50)

    async def _outage(self) -> None:
        """Let the bus be away for a moment, with a change meanwhile."""
        await self._company.fault("status", path="/Subscribe", status=14, body="service.unavailable")
        await self.edit(await self._any())

    async def _session(self) -> None:
        """Let the session end with which the stream was opened."""
        await self._company.fault("expire_tokens", path="/Subscribe")
        await self.edit(await self._any())

    async def _any(self) -> Key:
        return next(key for key, content in (await self.truth()).items() if content is not None)

    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]] = {
        "a replay id that has expired": _expires,
        "a gap event": _gap,
        "an overflow": _overflow,
        "an outage of the bus": _outage,
        "a session that ends": _session,
    }


DRIVERS: Sequence[type[SourceDriver]] = [Polled, Streamed]
