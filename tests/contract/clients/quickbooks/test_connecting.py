"""How intuit-oauth connects a company, keeps the connection alive and ends it."""

import asyncio
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import requests
from intuitlib.client import AuthClient
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks import QuickBooks
from quickbooks.exceptions import AuthorizationException, QuickbooksException
from quickbooks.objects import CompanyInfo, Customer

Auth = Callable[[dict[str, Any]], AuthClient]


def connected(client: AuthClient, refresh_token: str, realm: str) -> QuickBooks:
    """A connected accounting client."""
    return QuickBooks(auth_client=client, refresh_token=refresh_token, company_id=realm, minorversion=75)


async def test_a_person_connects_a_company(credentials: dict[str, Any], auth: Auth) -> None:
    """Consent page, callback, code to tokens, a call, a refresh, another call: all by Intuit's own client."""

    def work() -> None:
        client = auth(credentials)
        page = client.get_authorization_url([Scopes.ACCOUNTING], state_token="anti-forgery")
        answer = requests.get(page, allow_redirects=False, timeout=30)
        assert answer.headers["location"].startswith("https://app.example/cb?")
        back = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
        assert back["state"] == client.state_token == "anti-forgery"
        client.get_bearer_token(back["code"], realm_id=back["realmId"])
        assert (client.realm_id, client.expires_in) == (credentials["realm"], 3600)
        assert client.x_refresh_token_expires_in == 8_726_400
        books = connected(client, client.refresh_token, client.realm_id)
        name = CompanyInfo.get(client.realm_id, qb=books).CompanyName
        first = client.access_token
        client.refresh()
        assert client.access_token != first
        again = connected(client, client.refresh_token, client.realm_id)
        assert CompanyInfo.get(client.realm_id, qb=again).CompanyName == name
        with pytest.raises(AuthClientError):
            client.get_bearer_token(back["code"])

    await asyncio.to_thread(work)


async def test_a_person_declines(credentials: dict[str, Any], auth: Auth) -> None:
    """The app hears of it at its callback, and has no code."""
    async with httpx.AsyncClient(base_url=credentials["base_url"], trust_env=False) as admin:
        await admin.post("/__sandbox/settings", json={"settings": {"consent": "deny"}})

    def work() -> None:
        page = auth(credentials).get_authorization_url([Scopes.ACCOUNTING])
        answer = requests.get(page, allow_redirects=False, timeout=30)
        back = parse_qs(urlsplit(answer.headers["location"]).query)
        assert back["error"] == ["access_denied"]
        assert "code" not in back

    await asyncio.to_thread(work)


async def test_an_expired_token_is_refreshed_and_the_call_goes_through(credentials: dict[str, Any], auth: Auth) -> None:
    """The client sees the gateway's 401, refreshes, and the same call works."""

    def session() -> QuickBooks:
        return connected(auth(credentials), credentials["refresh_token"], credentials["realm"])

    books = await asyncio.to_thread(session)
    async with httpx.AsyncClient(base_url=credentials["base_url"], trust_env=False) as admin:
        await admin.post("/__sandbox/faults", json={"kind": "expire_tokens", "count": 1, "path": "/query"})

    def work() -> None:
        with pytest.raises(AuthorizationException) as refused:
            Customer.all(qb=books)
        assert refused.value.error_code == 401
        books.auth_client.refresh()
        books.session = None
        again = connected(books.auth_client, books.auth_client.refresh_token, credentials["realm"])
        assert Customer.all(qb=again) == []

    await asyncio.to_thread(work)


@pytest.mark.parametrize("xml", [True, False])
async def test_a_throttle_is_seen_as_one(credentials: dict[str, Any], auth: Auth, *, xml: bool) -> None:
    """Either body of a 429 raises; the status is in the text."""
    async with httpx.AsyncClient(base_url=credentials["base_url"], trust_env=False) as admin:
        await admin.post("/__sandbox/settings", json={"settings": {"xml_faults": xml}})
        await admin.post("/__sandbox/limits", json={"limits": {"realm and app per second": 0}})

    def work() -> None:
        books = connected(auth(credentials), credentials["refresh_token"], credentials["realm"])
        with pytest.raises(QuickbooksException, match="429"):
            Customer.all(qb=books)

    await asyncio.to_thread(work)


async def test_tokens_rotate_and_die(credentials: dict[str, Any], auth: Auth) -> None:
    """A refresh gives a new pair and ends the old refresh token; revoking ends everything; a wrong realm is refused."""

    def work() -> None:
        client = auth(credentials)
        client.refresh(refresh_token=credentials["refresh_token"])
        assert client.refresh_token != credentials["refresh_token"]
        assert client.get_user_info().json()["sub"] == "default"
        with pytest.raises(AuthClientError) as refused:
            auth(credentials).refresh(refresh_token=credentials["refresh_token"])
        assert (refused.value.status_code, "invalid_grant" in str(refused.value.content)) == (400, True)
        elsewhere = QuickBooks(auth_client=client, refresh_token="x", company_id="1234", minorversion=75)
        with pytest.raises(AuthorizationException):
            Customer.all(qb=elsewhere)
        assert client.revoke()
        with pytest.raises(AuthClientError):
            client.refresh()

    await asyncio.to_thread(work)
