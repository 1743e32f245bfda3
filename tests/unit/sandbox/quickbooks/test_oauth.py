from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

Books = Any  # the fixture's class lives in conftest, which tests cannot import
REDIRECT = "https://app.example/callback?kept=1"


async def consent(books: Books, **changes: str | None) -> httpx.Response:
    """Send the person's browser to the consent page."""
    asked = {
        "client_id": books.credentials["client_id"],
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting openid",
        "redirect_uri": REDIRECT,
        "state": "s&1",
        "code_challenge": "ignored",
        **changes,
    }
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    answer: httpx.Response = await books.client.get(f"/connect/oauth2?{query}")
    return answer


def answered(answer: httpx.Response) -> dict[str, str]:
    """What the browser carries back to the app."""
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].startswith("https://app.example/callback?kept=1&")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def tokens(books: Books, **form: str) -> httpx.Response:
    """Ask the token endpoint, the client in a Basic header."""
    client = books.credentials["client_id"], books.credentials["client_secret"]
    answer: httpx.Response = await books.client.post("/oauth2/v1/tokens/bearer", data=form, auth=client)
    return answer


async def test_a_person_connects_a_company(books: Books) -> None:
    """The callback has code, state and realmId; the code gives tokens once, for its own address, that work."""
    back = answered(await consent(books))
    assert (back["state"], back["realmId"]) == ("s&1", books.credentials["realm"])
    grant = {"grant_type": "authorization_code", "code": back["code"]}
    elsewhere = await tokens(books, **grant, redirect_uri="https://evil.example/")
    assert (elsewhere.status_code, elsewhere.json()["error"]) == (400, "invalid_grant")
    given = (await tokens(books, **grant, redirect_uri=REDIRECT, code_verifier="ignored")).json()
    assert (given["token_type"], given["expires_in"], given["x_refresh_token_expires_in"]) == ("bearer", 3600, 8726400)
    books.headers = {"Authorization": f"Bearer {given['access_token']}"}
    assert (await books.read("companyinfo/1"))["CompanyName"]
    again = await tokens(books, **grant, redirect_uri=REDIRECT)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")


async def test_a_code_is_good_for_minutes(books: Books, clock: Any) -> None:
    """A code that nobody exchanges dies."""
    back = answered(await consent(books))
    await clock.sleep(301)
    late = await tokens(books, grant_type="authorization_code", code=back["code"], redirect_uri=REDIRECT)
    assert late.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "settings", "error"),
    [
        ({}, {"consent": "deny"}, "access_denied"),
        ({"response_type": "token"}, {}, "unsupported_response_type"),
        ({"scope": "openid"}, {}, "invalid_scope"),
    ],
)
async def test_a_refused_consent_returns_to_the_app(
    books: Books, changes: dict[str, str], settings: dict[str, Any], error: str
) -> None:
    """The app hears why, with its state."""
    await books.set(**settings)
    assert answered(await consent(books, **changes)) == {"kept": "1", "error": error, "state": "s&1"}


@pytest.mark.parametrize("changes", [{"client_id": "nobody"}, {"redirect_uri": None}, {"redirect_uri": "javascript:x"}])
async def test_an_unknown_app_gets_no_redirect(books: Books, changes: dict[str, str | None]) -> None:
    """Whoever cannot be trusted with an answer gets none."""
    answer = await consent(books, **changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_refresh_token_rotates_and_ends(books: Books, clock: Any) -> None:
    """The old value dies with its first use; unused, the new one lives 101 days; revoking ends the grant."""
    first = books.credentials["refresh_token"]
    given = (await tokens(books, grant_type="refresh_token", refresh_token=first)).json()
    assert given["refresh_token"] != first
    old = await tokens(books, grant_type="refresh_token", refresh_token=first)
    assert (old.status_code, old.json()["error"]) == (400, "invalid_grant")
    await clock.sleep(8_726_399)
    given = (await tokens(books, grant_type="refresh_token", refresh_token=given["refresh_token"])).json()
    await clock.sleep(8_726_400)
    dead = await tokens(books, grant_type="refresh_token", refresh_token=given["refresh_token"])
    assert dead.json()["error"] == "invalid_grant"


@pytest.mark.parametrize("form", ["json", "form"])
async def test_revoking_ends_the_grant(books: Books, form: str) -> None:
    """JSON as intuit-oauth sends it, a form as node-quickbooks does: afterwards neither token works."""
    client = books.credentials["client_id"], books.credentials["client_secret"]
    body = {"token": books.credentials["refresh_token"]}
    sent: dict[str, Any] = {"json": body} if form == "json" else {"data": body}
    answer = await books.client.post("/v2/oauth2/tokens/revoke", auth=client, **sent)
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await books.call("GET", "companyinfo/1")).status_code == 401
    dead = await tokens(books, grant_type="refresh_token", refresh_token=body["token"])
    assert dead.json()["error"] == "invalid_grant"


async def test_the_discovery_document_names_what_answers(books: Books) -> None:
    """Every endpoint Intuit's clients look for is there, under the address that was asked, and answers."""
    for name in ("openid_configuration", "openid_sandbox_configuration/"):
        found = (await books.client.get(f"/.well-known/{name}")).json()
        assert {*found} >= {"authorization_endpoint", "token_endpoint", "revocation_endpoint", "issuer"}
        assert (await books.client.get(found["jwks_uri"])).json() == {"keys": []}
        user = await books.client.get(found["userinfo_endpoint"], headers=books.headers)
        assert user.json()["sub"] == "default"


async def test_the_hard_expiry_is_told_on_request(books: Books) -> None:
    """Five years, for who sends the header."""
    answer = await books.client.post(
        "/oauth2/v1/tokens/bearer",
        data={"grant_type": "refresh_token", "refresh_token": books.credentials["refresh_token"]},
        auth=(books.credentials["client_id"], books.credentials["client_secret"]),
        headers={"x-include-refresh-token-hard-expires-in": "true"},
    )
    assert answer.json()["x_refresh_token_hard_expires_in"] == 157_680_000


async def test_wrong_clients_and_grants_are_refused(books: Books) -> None:
    """A wrong secret is 401, a grant of another kind 400."""
    books.credentials = {**books.credentials, "client_secret": "wrong"}
    wrong = await tokens(books, grant_type="refresh_token", refresh_token="x")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    fresh = (await books.client.get("/__sandbox/credentials")).json()
    books.credentials = fresh
    other = await tokens(books, grant_type="password")
    assert (other.status_code, other.json()["error"]) == (400, "unsupported_grant_type")
