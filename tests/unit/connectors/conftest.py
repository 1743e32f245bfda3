"""A clock that stands still, an account, and HTTP whose network is a function."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.http import Http, Reach, open_http
from connectors.ports import Account, Call, RemoteRef

Handler = Callable[[httpx.Request], Any]


@pytest.fixture
def clock() -> ManualClock:
    """2026-01-01, midnight UTC, until a test moves it."""
    return ManualClock()


@pytest.fixture
def account() -> Account:
    """Tenant acme's connection."""
    return Account("acme", "quickbooks", "https://vendor.test", "4620816365", {})


@pytest.fixture
def network() -> Callable[[Handler], Http]:
    """Make an HTTP stack whose answers a function gives."""

    def make(handler: Handler, *, timeout_seconds: float = 5) -> Http:
        reach = Reach(("vendor.test",), frozenset({"127.0.0.1"}))
        return open_http("vendor", reach, timeout_seconds=timeout_seconds, transport=httpx.MockTransport(handler))

    return make


@pytest.fixture
def make_call(clock: ManualClock) -> Callable[..., Call]:
    """Make a call for the object key order/1/1."""

    def make(object_type: str, body: dict[str, Any], **changes: Any) -> Call:
        given = {"operation": "put", "remote": None, "request_id": "request-1", "attempted_at": clock.now(), **changes}
        return Call(object=object_type, object_key="order/1/1", body=body, **given)

    return make


@pytest.fixture
def remote() -> RemoteRef:
    """Object 12 at sync token 3."""
    return RemoteRef("12", "3")
