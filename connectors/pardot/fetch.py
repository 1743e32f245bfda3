"""Reads prospects by id."""

from collections.abc import Sequence

from connectors.errors import RejectedError
from connectors.pardot.client import PardotClient
from connectors.pardot.polled import POLLED, fields_of
from connectors.pardot.prospects import OBJECT, version_of
from connectors.ports import Account, Clock, Raw
from connectors.wire import dumps, iso_micros


class PardotFetcher:
    """One call each: version 5 reads several only by ranges of ids."""

    def __init__(self, client: PardotClient, account: Account, clock: Clock) -> None:
        self._client = client
        self._fields = fields_of(account, POLLED[OBJECT])
        self._clock = clock

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Return one Raw per id.

        Raises:
            ConnectorError: nothing was read.
        """
        if object_type != OBJECT:
            raise RejectedError(f"Pardot: {object_type} is not read; only {OBJECT} is")
        return [await self._raw(remote_id) for remote_id in dict.fromkeys(ids)]

    async def _raw(self, remote_id: str) -> Raw:
        prospect = await self._client.read_prospect(remote_id, self._fields)
        now = iso_micros(self._clock.now())
        if prospect is None:
            return Raw(OBJECT, remote_id, now, b"{}", deleted=True)
        return Raw(OBJECT, remote_id, version_of(prospect) or now, dumps(prospect))
