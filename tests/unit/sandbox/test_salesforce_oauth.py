"""Getting, using and ending sessions."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from connectors.sandbox.salesforce.app import build

DATA, OAUTH = "/services/data/v67.0", "/services/oauth2"
JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
Start = Callable[..., Any]


class Org:
    """One org and the app that connects to it."""

    def __init__(self, http: httpx.AsyncClient, known: dict[str, Any], clock: Any) -> None:
        self.http = http
        self.known = known
        self.clock = clock

    async def token(self, **form: str) -> dict[str, Any]:
        """Ask for a session as the app."""
        app = {"client_id": self.known["client_id"], "client_secret": self.known["client_secret"]}
        found: dict[str, Any] = (await self.http.post(f"{OAUTH}/token", data={**app, **form})).json()
        return found

    async def assertion(self, key: RSAPrivateKey, **claims: object) -> dict[str, Any]:
        """Ask with a JWT signed by this key."""
        default = {"iss": self.known["client_id"], "aud": "https://login.salesforce.com"}
        default |= {"sub": self.known["username"], "exp": str(self.clock.now().timestamp() + 180)}
        parts = [json.dumps(part).encode() for part in ({"alg": "RS256"}, {**default, **claims})]
        signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
        signature = base64.urlsafe_b64encode(key.sign(signed, PKCS1v15(), hashes.SHA256())).rstrip(b"=")
        form = {"grant_type": JWT, "assertion": (signed + b"." + signature).decode()}
        found: dict[str, Any] = (await self.http.post(f"{OAUTH}/token", data=form)).json()
        return found

    async def lives(self, session: str) -> bool:
        """Whether a session is accepted."""
        answer = await self.http.get(f"{DATA}/limits", headers={"Authorization": f"Bearer {session}"})
        return answer.status_code == 200


@pytest.fixture
async def org(start: Start, clock: Any) -> AsyncIterator[Org]:
    """Org `acme`."""
    served = await start({"salesforce": (0, build)})
    async with httpx.AsyncClient(base_url=served.url("salesforce")) as http:
        yield Org(http, (await http.get("/__sandbox/credentials", params={"account": "acme"})).json(), clock)


def _certificate(key: RSAPrivateKey, clock: Any) -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "app")])
    built = x509.CertificateBuilder(name, name, key.public_key(), 1, clock.now(), clock.now() + timedelta(days=1))
    return built.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


async def test_a_jwt_is_signed_with_the_offered_key_or_a_registered_certificate(org: Org) -> None:
    """Both give sessions; a key nobody knows, a forged claim and an unsigned token do not."""
    offered = load_pem_private_key(org.known["jwt_private_key"].encode(), None)
    assert isinstance(offered, RSAPrivateKey)
    assert await org.lives((await org.assertion(offered))["access_token"])
    own = generate_private_key(65537, 2048)
    assert (await org.assertion(own))["error"] == "invalid_grant"
    settings = {"account": "acme", "settings": {"jwt_public_key": _certificate(own, org.clock)}}
    assert (await org.http.post("/__sandbox/settings", json=settings)).status_code == 200
    granted = await org.assertion(own)
    assert "refresh_token" not in granted
    assert await org.lives(granted["access_token"])
    assert (await org.assertion(own, iss="nobody"))["error"] == "invalid_client_id"
    assert (await org.token(grant_type=JWT, assertion="a.b.c"))["error"] == "invalid_grant"


async def test_a_jwt_names_the_user_that_acts(org: Org) -> None:
    """What the sales user does is signed with that user, in records and in change events."""
    offered = load_pem_private_key(org.known["jwt_private_key"].encode(), None)
    assert isinstance(offered, RSAPrivateKey)
    granted = await org.assertion(offered, sub=org.known["sales_username"])
    headers = {"Authorization": f"Bearer {granted['access_token']}"}
    who = (await org.http.get(f"{OAUTH}/userinfo", headers=headers)).json()
    assert who["preferred_username"] == org.known["sales_username"]
    assert (await org.http.get(urlsplit(granted["id"]).path, headers=headers)).json()["user_id"] == who["user_id"]
    made = (await org.http.post(f"{DATA}/sobjects/Account", json={"Name": "A"}, headers=headers)).json()["id"]
    record = (await org.http.get(f"{DATA}/sobjects/Account/{made}", headers=headers)).json()
    assert {record["CreatedById"], record["LastModifiedById"], record["OwnerId"]} == {who["user_id"]}
    assert who["user_id"] != org.known["user_id"]


async def test_consent_gives_a_code_that_works_once(org: Org) -> None:
    """The code comes with the state, needs the address and verifier it was asked with, and gives a refresh token."""
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    asked = {"response_type": "code", "client_id": org.known["client_id"], "redirect_uri": "http://127.0.0.1:1/back"}
    asked |= {"state": "s/1", "code_challenge": challenge, "code_challenge_method": "S256"}
    sent = await org.http.get(f"{OAUTH}/authorize", params=asked)
    assert (sent.status_code, sent.headers["location"].startswith("http://127.0.0.1:1/back?")) == (302, True)
    back = parse_qs(urlsplit(sent.headers["location"]).query)
    form = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": asked["redirect_uri"]}
    assert back["state"] == ["s/1"]
    assert (await org.token(**form, code_verifier="wrong"))["error"] == "invalid_grant"
    granted = await org.token(**form, code_verifier=verifier)
    assert await org.lives(granted["access_token"])
    assert "access_token" in await org.token(grant_type="refresh_token", refresh_token=granted["refresh_token"])
    assert (await org.token(**form, code_verifier=verifier))["error"] == "invalid_grant"
    await org.http.post("/__sandbox/settings", json={"account": "acme", "settings": {"consent": "decline"}})
    declined = (await org.http.get(f"{OAUTH}/authorize", params=asked)).headers["location"]
    assert parse_qs(urlsplit(declined).query)["error"] == ["access_denied"]
    wrong = await org.http.get(f"{OAUTH}/authorize", params={**asked, "client_id": "nobody"})
    assert (wrong.status_code, wrong.json()["error"]) == (400, "invalid_client_id")


async def test_refresh_tokens_rotate_when_asked(org: Org) -> None:
    """With rotation on the answer has a successor and the old token is dead at once."""
    await org.http.post("/__sandbox/settings", json={"account": "acme", "settings": {"rotate_refresh_tokens": True}})
    first = org.known["refresh_token"]
    second = (await org.token(grant_type="refresh_token", refresh_token=first))["refresh_token"]
    assert second != first
    assert (await org.token(grant_type="refresh_token", refresh_token=first))["error"] == "invalid_grant"
    assert "access_token" in await org.token(grant_type="refresh_token", refresh_token=second)


async def test_sessions_can_be_asked_about_and_ended(org: Org) -> None:
    """A live session is active with its user; a revoked one is not, nor is one of another org."""
    session = (await org.token(grant_type="client_credentials"))["access_token"]
    auth = (org.known["client_id"], org.known["client_secret"])
    told = (await org.http.post(f"{OAUTH}/introspect", data={"token": session}, auth=auth)).json()
    assert (told["active"], told["username"]) == (True, org.known["username"])
    other = (await org.http.get("/__sandbox/credentials", params={"account": "other"})).json()
    told = (await org.http.post(f"{OAUTH}/introspect", data={"token": other["access_token"]}, auth=auth)).json()
    assert told == {"active": False}
    assert (await org.http.post(f"{OAUTH}/introspect", data={"token": session})).status_code == 401
    assert (await org.http.post(f"{OAUTH}/revoke", data={"token": session})).status_code == 200
    assert not await org.lives(session)
    assert (await org.http.post(f"{OAUTH}/revoke", data={"token": "x"})).status_code == 400
    gone = await org.http.get(f"{OAUTH}/userinfo", headers={"Authorization": f"Bearer {session}"})
    assert (gone.status_code, gone.text) == (403, "Bad_OAuth_Token")
