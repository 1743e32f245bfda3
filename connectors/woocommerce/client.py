"""WooCommerce's REST API v3 over the one HTTP stack; reads only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

import httpx

from connectors.errors import RetryableError
from connectors.keys import Keyed
from connectors.ports import Clock
from connectors.wire import loads
from connectors.woocommerce.errors import GONE, code_of, to_error
from connectors.woocommerce.objects import Entity, Kind

PAGE = 100
"""Rows a list returns at most; the default is 10."""
NOT_FOUND = 404


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a list.

    Attributes:
        total: rows of the whole list, as the shop counts them.
        read: our time when it was asked for.
        shop: the shop's own time, whole seconds.
    """

    rows: Sequence[Entity]
    total: int
    read: datetime
    shop: datetime


class WooClient:
    """One shop. Every method raises the ConnectorError that `errors.to_error` makes of a failed answer."""

    def __init__(self, keyed: Keyed, base_url: str, clock: Clock) -> None:
        self._keyed = keyed
        self._base = f"{base_url.rstrip('/')}/wp-json/wc/v3"
        self._clock = clock

    async def page(self, kind: Kind, params: Mapping[str, str]) -> Page:
        """Return a page of a list."""
        read = self._clock.now()
        given = {"per_page": str(PAGE), **kind.extra, **params}
        response = await self._keyed.get(f"list {kind.path}", f"{self._base}/{kind.path}", given)
        rows = self._parsed(response)
        total = response.headers.get("x-wp-total", "")
        if not isinstance(rows, list) or not total.isdigit():
            raise RetryableError("WooCommerce's answer is no list with X-WP-Total; something in front of it answered")
        return Page([row for row in rows if isinstance(row, dict)], int(total), read, self._shop_time(response))

    async def read(self, path: str, id_: str) -> tuple[Entity | None, datetime]:
        """Return one object, None where there is none, and the later of the shop's time and ours."""
        read = self._clock.now()
        response = await self._keyed.get(f"read {path}", f"{self._base}/{path}/{id_}", {})
        at = max(read, self._shop_time(response))
        if response.status_code == NOT_FOUND and code_of(response).endswith(GONE):
            return None, at
        entity = self._parsed(response)
        if not isinstance(entity, dict):
            raise RetryableError("WooCommerce's answer is no object; something in front of it answered")
        return entity, at

    def _parsed(self, response: httpx.Response) -> object:
        if not response.is_success:
            raise to_error(response, self._clock.now())
        try:
            return loads(response.content)
        except ValueError as error:
            raise RetryableError("WooCommerce's answer is not JSON; something in front of it answered") from error

    def _shop_time(self, response: httpx.Response) -> datetime:
        try:
            return parsedate_to_datetime(response.headers.get("date", ""))
        except ValueError:
            return self._clock.now().replace(microsecond=0)
