"""How a shop's lists are walked while they change."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.http import Http
from connectors.keys import Keyed
from connectors.ports import Account, Secret, Tools
from connectors.tokens import MemoryTokenStore
from connectors.woocommerce import client as api
from connectors.woocommerce.client import WooClient
from connectors.woocommerce.fetch import WooCommerceFetcher
from connectors.woocommerce.source import WooCommerceSource

T0 = datetime(2026, 1, 1, tzinfo=UTC)
Network = Callable[..., Http]


class Shop:
    """Orders by id with their second of modification; `meanwhile` happens after each answer."""

    def __init__(self, stamps: dict[int, int], clock: ManualClock) -> None:
        self.stamps = stamps
        self.clock = clock
        self.meanwhile: Callable[[dict[str, str]], None] = lambda _params: None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer as WooCommerce does."""
        params = dict(request.url.params)
        listed = [(stamp, id_) for id_, stamp in self.stamps.items() if self._within(params, stamp)]
        rows = sorted(listed) if params.get("orderby") == "modified" else sorted(listed, key=lambda row: row[1])
        start = (int(params.get("page", "1")) - 1) * api.PAGE
        page = [{"id": id_, "date_modified_gmt": moment(stamp)} for stamp, id_ in rows[start : start + api.PAGE]]
        if params.get("status") == "trash":
            page, rows = [], []
        date = (self.clock.now() + timedelta(hours=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")
        answer = httpx.Response(200, json=page, headers={"x-wp-total": str(len(rows)), "date": date})
        self.meanwhile(params)
        return answer

    def _within(self, params: dict[str, str], stamp: int) -> bool:
        text = moment(stamp)
        return params.get("modified_after", "") < text < params.get("modified_before", "9")


def moment(second: int) -> str:
    """A date as the shop writes it."""
    return (T0 + timedelta(seconds=second)).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.fixture
def read(network: Network, account: Account, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read a shop's orders to the end, ten a page, and return their ids as they came, with the cursor."""
    monkeypatch.setattr(api, "PAGE", 10)

    async def run(shop: Shop, cursor: str | None = None) -> tuple[list[int], str | None]:
        store = MemoryTokenStore()
        await store.compare_and_set("acme", "quickbooks", Secret({"key": "k"}), expected_version=0)
        keyed = Keyed(network(shop), account, Tools(clock, store, frozenset()), ("key",), lambda values: values["key"])
        client = WooClient(keyed, "https://vendor.test", clock)
        chosen = replace(account, settings={"objects": "order"})
        source, found = WooCommerceSource(client, WooCommerceFetcher(client), chosen, clock), list[int]()
        async for batch in source.read(cursor):
            found += [int(raw.remote_id) for raw in batch.records]
            cursor = batch.cursor
        return found, cursor

    return run


async def test_a_second_that_fills_pages_is_read_whole(read: Any, clock: ManualClock) -> None:
    """More objects than a page share a second; one of them is edited between two pages, and none is passed over."""
    shop = Shop(dict.fromkeys(range(1, 36), 5) | {40: 6}, clock)

    def edited(params: dict[str, str]) -> None:
        if params.get("page") == "1" and "modified_before" in params:
            shop.stamps[1] = 60

    shop.meanwhile = edited
    found, cursor = await read(shop)
    assert set(found) == set(shop.stamps)
    assert found.count(1) == 2
    assert (await read(shop, cursor))[0] == []


async def test_rows_that_leave_their_place_take_no_other_with_them(read: Any, clock: ManualClock) -> None:
    """While a list is walked its first rows are edited and move to the end: those behind move up, and are read."""
    shop = Shop({id_: id_ for id_ in range(1, 60)}, clock)
    edits = iter(range(1, 6))

    def edited(params: dict[str, str]) -> None:
        if params.get("orderby") == "modified" and (id_ := next(edits, None)):
            shop.stamps[id_] = 100 + id_

    shop.meanwhile = edited
    found, _ = await read(shop)
    assert set(found) == set(shop.stamps)


async def test_what_appears_late_is_found_within_the_overlap(read: Any, clock: ManualClock) -> None:
    """A stamp below those already read is still met; what was emitted does not come again."""
    hour = 3600
    shop = Shop({1: hour - 30, 2: hour - 10}, clock)
    found, cursor = await read(shop)
    assert found == [1, 2]
    shop.stamps[3] = hour - 20
    assert (await read(shop, cursor))[0] == [3]
