"""Reads named objects of one account, singly: Stripe's lists know no ids."""

from collections.abc import Sequence

from connectors.errors import RejectedError
from connectors.ports import Raw
from connectors.stripe.client import StripeClient
from connectors.stripe.objects import PATHS, raw_of


class StripeFetcher:
    """Fetches one object after the other."""

    def __init__(self, client: StripeClient) -> None:
        self._client = client

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Return one Raw per id; an object that is gone comes back with `deleted`.

        Raises:
            ConnectorError: nothing was read. RejectedError: objects of that type are not read.
        """
        if object_type not in PATHS:
            raise RejectedError(f"Stripe's {object_type} is not read; these are: {', '.join(PATHS)}")
        found = []
        for id_ in dict.fromkeys(ids):
            entity, read = await self._client.read(object_type, id_)
            found.append(raw_of(object_type, id_, entity, read))
        return found
