"""How a person lets us into an account: the authorization code grant (RFC 6749 §4.1), with PKCE (RFC 7636).

`begin` notes in the token store that an answer is expected, and returns the address of the vendor's consent page;
`complete` takes the answer that the vendor sends the person back with, once and in time, and stores the tokens.
"""

import hmac
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from typing import Protocol, runtime_checkable
from urllib.parse import urlencode

from connectors import accounts
from connectors.accounts import where
from connectors.errors import FatalError, RejectedError
from connectors.http import Reach, open_http
from connectors.oauth import REQUEST_SECONDS, Grant, answer_of, client_credentials, granted, refusal
from connectors.ports import Account, Secret, Tools
from connectors.wire import iso_micros, parse_instant

EXPECTED = "authorizing"
"""Under this name a connection's secret keeps what is expected: hash of the state, PKCE verifier, end, redirect."""
MINUTES = 15
STALE = "this link is not valid, or not any more; run `sluiceway connections authorize` again"


@dataclass(frozen=True, slots=True)
class Consent:
    """A vendor's consent page and what it gives.

    Attributes:
        authorize_url: of the page.
        grant: how its tokens are asked for and renewed.
        scope: what is asked for, separated by blanks.
        suffixes: the vendor's own domains.
        pkce: the vendor checks a code challenge.
        company: the parameter of the answer that names the company; `""`: none does.
        instance: the field of the token answer that says where the company's API is; `""`: none does.
        signed: the answer carries `hmac`, hex HMAC-SHA256 of its other parameters with our client secret (Shopify).
        exchange: what the vendor wants beside the code.
    """

    authorize_url: str
    grant: Grant
    scope: str
    suffixes: tuple[str, ...]
    pkce: bool = False
    company: str = ""
    instance: str = ""
    signed: bool = False
    exchange: Mapping[str, str] = field(default_factory=dict)


@runtime_checkable
class Consenting(Protocol):
    """An extra ability of a vendor: people can connect accounts in their browser."""

    def consent(self, account: Account) -> Consent:
        """Return its consent page.

        Raises:
            FatalError: the connection's settings do not go with it; the message names the setting.
        """
        ...


@dataclass(frozen=True, slots=True)
class Connected:
    """What the vendor said beside the tokens: the company and the address of its API, `""` where it did not."""

    account: str
    base_url: str


def by_person(account: Account, grant: Grant) -> Grant:
    """Return the grant if its tokens come from a person.

    Raises:
        FatalError: the connection's setting `grant` says otherwise.
    """
    if grant.kind != "refresh_token":
        raise FatalError(f"{where(account)}: setting grant is {grant.kind}; a person's consent needs refresh_token")
    return grant


def owner(state: str) -> tuple[str, str]:
    """Return tenant and vendor that a state speaks of; nothing is proven by it.

    Raises:
        RejectedError: it is no state of ours.
    """
    try:
        tenant, vendor, _ = urlsafe_b64decode(state + "=" * (-len(state) % 4)).decode().split("\x1f")
    except ValueError:
        raise RejectedError(STALE) from None
    return tenant, vendor


async def begin(
    account: Account, consent: Consent, tools: Tools, redirect_uri: str, token_urlsafe: Callable[[int], str]
) -> str:
    """Return the address of the consent page; one made before for this connection is not good any more.

    Raises:
        FatalError: no client id is stored, or the page is not at the vendor's.
        RetryableError: the token store does not answer.
    """
    Reach(consent.suffixes, tools.allow_hosts).check_setting("authorize_url", consent.authorize_url)
    verifier = token_urlsafe(48)
    state = _text(f"{account.tenant}\x1f{account.vendor}\x1f{token_urlsafe(32)}".encode())
    expected = {
        "state": _digest(state),
        "verifier": verifier,
        "redirect_uri": redirect_uri,
        "ends": iso_micros(tools.clock.now() + timedelta(minutes=MINUTES)),
    }
    secret = await _stored(account, tools)
    client_id, _ = client_credentials(account, secret.values)
    await _store(account, tools, lambda values: {**values, EXPECTED: json.dumps(expected)})
    asked = {
        "client_id": client_id,
        "response_type": "code",
        "scope": consent.scope,
        "redirect_uri": redirect_uri,
        "state": state,
    }
    if consent.pkce:
        asked |= {"code_challenge": _text(sha256(verifier.encode()).digest()), "code_challenge_method": "S256"}
    return f"{consent.authorize_url}?{urlencode(asked)}"


async def complete(
    account: Account, consent: Consent, tools: Tools, state: str, answer: Mapping[str, str]
) -> Connected:
    """Exchange the code of a vendor's answer for tokens and store them.

    Raises:
        RejectedError: no such answer is expected (any more), it is not signed as it must be, the person declined, or
            it is about another company than the connection's: nothing is changed.
        ConnectorError: the exchange failed; another consent is needed.
    """
    secret = await _stored(account, tools)
    expected = json.loads(secret.values.get(EXPECTED, "{}"))
    fits = hmac.compare_digest(expected.get("state", ""), _digest(state))
    if not fits or tools.clock.now() >= parse_instant(expected["ends"]):
        raise RejectedError(STALE)
    if consent.signed and not _is_signed(account, secret, {**answer, "state": state}):
        raise RejectedError(f"the answer is not signed by {account.vendor}")
    without = {name: value for name, value in secret.values.items() if name != EXPECTED}
    spent = replace(secret, values=without)
    if not await tools.tokens.compare_and_set(account.tenant, account.vendor, spent, expected_version=secret.version):
        raise RejectedError(STALE)
    if "code" not in answer:
        raise RejectedError(f"{account.vendor} did not let us in ({answer.get('error', 'no code')[:40]})")
    company = answer.get(consent.company, "") if consent.company else ""
    if consent.company and not company:
        raise RejectedError(f"{account.vendor}'s answer has no {consent.company}")
    if company and account.account and company != account.account:
        raise RejectedError(
            f"consent was given for company {company}, but the connection is about {account.account}; choose that one, "
            "or change the connection"
        )
    fresh, base_url = await _exchange(account, consent, tools, spent, answer["code"], expected)
    await _store(account, tools, lambda values: {**values, **fresh.values}, like=fresh)
    return Connected(company, base_url)


async def _exchange(
    account: Account, consent: Consent, tools: Tools, secret: Secret, code: str, expected: Mapping[str, str]
) -> tuple[Secret, str]:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": expected["redirect_uri"]}
    form |= consent.exchange
    if consent.pkce:
        form["code_verifier"] = expected["verifier"]
    ca_file = accounts.text(account, "ca_file", "")
    reach = Reach(consent.suffixes, tools.allow_hosts)
    http = open_http(account.vendor, reach, timeout_seconds=REQUEST_SECONDS, ca_file=ca_file)
    try:
        headers, content = consent.grant.request(form, client_credentials(account, secret.values))
        response = await http.request(
            "token", "POST", consent.grant.token_url, reads=False, headers=headers, content=content
        )
    finally:
        await http.aclose()
    if not response.is_success:
        raise refusal(account, consent.grant, response)
    fresh = granted(account, consent.grant, secret, response, tools.clock.now())
    if not fresh.values.get("refresh_token"):
        raise FatalError(f"{where(account)}: the vendor gave no refresh token; let the app ask for offline access")
    return fresh, str(answer_of(response).get(consent.instance, "")) if consent.instance else ""


def _is_signed(account: Account, secret: Secret, answer: Mapping[str, str]) -> bool:
    _, key = client_credentials(account, secret.values)
    text = "&".join(f"{name}={value}" for name, value in sorted(answer.items()) if name != "hmac")
    wanted = hmac.new(key.encode(), text.encode(), sha256).hexdigest()
    return hmac.compare_digest(wanted.encode(), answer.get("hmac", "").encode())


async def _stored(account: Account, tools: Tools) -> Secret:
    return await tools.tokens.get(account.tenant, account.vendor) or Secret({})


async def _store(
    account: Account,
    tools: Tools,
    change: Callable[[Mapping[str, str]], Mapping[str, str]],
    like: Secret | None = None,
) -> None:
    """Change the connection's secret, whoever else does; `like` says when its access token ends."""
    while True:
        known = await _stored(account, tools)
        secret = replace(known, values=change(known.values))
        if like is not None:
            secret = replace(secret, expires_at=like.expires_at, refreshing_since=None)
        if await tools.tokens.compare_and_set(account.tenant, account.vendor, secret, expected_version=known.version):
            return


def _digest(state: str) -> str:
    return sha256(state.encode()).hexdigest()


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")
