"""Reads named objects of one shop, many with one query."""

from collections.abc import Sequence

from connectors.errors import RejectedError
from connectors.ports import Clock, Raw
from connectors.shopify.objects import KINDS, gid, version_of
from connectors.shopify.reader import MOST, Reader
from connectors.wire import dumps, iso_micros


class ShopifyFetcher:
    """Fetches by `nodes(ids:)`."""

    def __init__(self, reader: Reader, clock: Clock) -> None:
        self._reader = reader
        self._clock = clock

    async def fetch(self, object_type: str, ids: Sequence[str]) -> Sequence[Raw]:
        """Return one Raw per id; one that Shopify does not have is deleted.

        Raises:
            ConnectorError: nothing was read.
        """
        kind = KINDS.get(object_type)
        if kind is None:
            raise RejectedError(f"Shopify: {object_type} is not read; known are {', '.join(KINDS)}")
        unique = list(dict.fromkeys(ids))
        raws: list[Raw] = []
        for start in range(0, len(unique), MOST):
            wanted = unique[start : start + MOST]
            nodes = await self._reader.nodes(kind, [gid(object_type, each) for each in wanted])
            now = iso_micros(self._clock.now())
            for remote, node in zip(wanted, nodes, strict=True):
                if node is None:
                    raws.append(Raw(object_type, remote, now, b"{}", deleted=True))
                else:
                    raws.append(Raw(object_type, remote, version_of(node), dumps(node)))
        return raws
