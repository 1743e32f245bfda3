"""What a vendor brings so that the suite of all sources runs on its sandbox; `test_sources.py` tells how to add one."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from connectors.ports import Raw
from tests.contract.connectors.kit.company import Company

Key = tuple[str, str]
"""Object type and id, as the connector's records have them."""
Truth = Mapping[Key, Any | None]
"""By key the content that counts, as `content` returns it; None: deleted."""


@dataclass(frozen=True, slots=True)
class PageSize:
    """A constant of the connector that tests make small, e.g. `connectors.salesforce.client.PAGE`."""

    name: str
    value: int


class SourceDriver(Protocol):
    """Works in one company of a sandbox as its users do, and knows what is true there.

    Attributes:
        name: of the case, e.g. `salesforce-poll`: one vendor may have several.
        vendor: connector folder name.
        settings: of the connection under test.
        pages: constants to make small, so that a few hundred objects make several pages.
        webhooks: whether webhooks are a part of this source.
        gaps: by name, what makes the usual way miss changes: makes such changes, in a company whose source was read to
            its end, and leaves the source to find out and repair.
    """

    name: ClassVar[str]
    vendor: ClassVar[str]
    settings: ClassVar[Mapping[str, str]]
    pages: ClassVar[tuple[PageSize, ...]]
    webhooks: ClassVar[bool]
    gaps: ClassVar[Mapping[str, Callable[[Any], Awaitable[None]]]]

    def __init__(self, company: Company) -> None: ...

    async def create(self, count: int) -> None:
        """Make so many objects; for large numbers in the fastest way the sandbox has."""
        ...

    async def edit(self, key: Key) -> None:
        """Change an object's content, to something it never had."""
        ...

    async def delete(self, key: Key) -> None:
        """Delete an object."""
        ...

    async def truth(self) -> Truth:
        """Return every object that the source reads, as the sandbox has it now; deleted ones as far as it knows."""
        ...

    def content(self, raw: Raw) -> Any:
        """Return what counts of a record, comparable with the truth."""
        ...

    async def subscribe(self, url: str) -> None:
        """Have webhooks sent to an address, signed with the credentials' `webhook_secret`."""
        ...

    async def aclose(self) -> None:
        """End what the driver opened."""
        ...
