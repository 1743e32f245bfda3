"""Reads named objects of one company, many with one query."""

import asyncio
from collections.abc import Sequence

from connectors.ports import Raw
from connectors.quickbooks.client import PAGE, Entity, QuickBooksClient, quoted
from connectors.quickbooks.objects import deletion_version, version_of
from connectors.wire import dumps


class QuickBooksFetcher:
    """Fetches by `Id IN (…)`, at most 1,000 ids a query."""

    def __init__(self, client: QuickBooksClient) -> None:
        self._client = client

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Return one Raw per id; a query may lag or leave rows out, so that a missing id is read singly first.

        Raises:
            ConnectorError: nothing was read.
        """
        unique = list(dict.fromkeys(ids))
        found: dict[str, Entity] = {}
        for start in range(0, len(unique), PAGE):
            wanted = ", ".join(quoted(remote_id) for remote_id in unique[start : start + PAGE])
            found |= {row["Id"]: row for row in await self._client.query(object_type, f"Id IN ({wanted})")}
        return [await self._raw(object_type, remote_id, found.get(remote_id)) for remote_id in unique]

    async def _raw(self, object_type: str, remote_id: str, entity: Entity | None) -> Raw:
        await asyncio.sleep(0)  # a thousand objects are many milliseconds of work
        entity = entity or await self._client.read(object_type, remote_id)
        if entity is None:
            return Raw(object_type, remote_id, deletion_version(self._client.now()), b"{}", deleted=True)
        return Raw(object_type, remote_id, version_of(entity), dumps(entity))
