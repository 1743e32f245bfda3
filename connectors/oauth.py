"""OAuth 2 tokens of one connection: refreshed in time, by one at a time, and stored before they are used.

Two refreshes of one rotating token at once end the connection for good (Intuit's authorization FAQ). Hence, in
this order: a durable *refreshing* mark, the call, the new tokens stored by compare-and-set, only then their use. Inside
a process all callers share one refresh; a mark that another process left is waited out for as long as its call can
last. Tokens appear in no message.
"""

import asyncio
import logging
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote_plus, urlencode

import httpx

from connectors.accounts import where
from connectors.errors import ConnectorError, FatalError, NotSentError, RetryableError, UnauthorizedError
from connectors.http import Http
from connectors.metrics import REFRESH_FAILURES
from connectors.ports import Account, Clock, Secret, TokenStore
from connectors.wire import iso_micros, loads, parse_instant

logger = logging.getLogger(__name__)

REQUEST_SECONDS = 30.0
"""How long a token request may take, and so how long a foreign refreshing mark is honoured."""
PAUSE_SECONDS = 30.0
"""Between attempts to renew a token early, while the old one still works."""

KEEP_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0)
"""Seconds between attempts to store new tokens."""

GrantKind = Literal["client_credentials", "refresh_token"]
GRANTS: tuple[GrantKind, ...] = ("client_credentials", "refresh_token")

BAD_SETTINGS = frozenset(
    {
        "invalid_client",
        "invalid_client_id",
        "unauthorized_client",
        "unsupported_grant_type",
        "invalid_scope",
        "invalid_request",
    }
)
ERROR_CODE = re.compile(r"[a-z_]{1,40}")
IN_PROGRESS = "already being processed"


@dataclass(frozen=True, slots=True)
class Grant:
    """How a vendor gives access tokens (RFC 6749).

    Attributes:
        client_auth: where client id and secret go: HTTP Basic (Intuit) or the form (Salesforce).
        lifetime: seconds an access token lives when the answer has no `expires_in` (Salesforce).
    """

    token_url: str
    kind: GrantKind
    client_auth: Literal["basic", "body"]
    lifetime: float

    def request(self, form: Mapping[str, str], client: tuple[str, str]) -> tuple[dict[str, str], bytes]:
        """Return headers and body of a token request; `client` is id and secret of our app."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if self.client_auth == "basic":
            pair = ":".join(quote_plus(part) for part in client)
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
            return headers, urlencode(form).encode()
        return headers, urlencode({**form, "client_id": client[0], "client_secret": client[1]}).encode()


class TokenProvider:
    """The access token of one connection.

    Args:
        http: the stack without auth layer, with a time limit of at most `REQUEST_SECONDS`.

    Raises (token and refresh):
        UnauthorizedError: the vendor refuses the refresh token: somebody must connect the account again.
        FatalError: there are no credentials, or client id and secret are wrong.
        NotSentError: token endpoint or store give no answer; what the token was wanted for has not been sent.
    """

    def __init__(self, account: Account, grant: Grant, http: Http, store: TokenStore, clock: Clock) -> None:
        self._account = account
        self._grant = grant
        self._http = http
        self._store = store
        self._clock = clock
        self._secret: Secret | None = None
        self._flight: asyncio.Task[Secret] | None = None
        self._renew_not_before: datetime | None = None

    async def token(self) -> str:
        """Return the access token; past half of its life it is renewed beside, past its end first."""
        if self._secret is None:
            self._secret = await self._load()
        secret, now = self._secret, self._clock.now()
        if not self._alive(secret, now):
            secret = await self._refreshed(secret.values.get("access_token", ""))
        elif self._half_gone(secret, now) and not (self._renew_not_before and now < self._renew_not_before):
            self._renew_not_before = now + timedelta(seconds=PAUSE_SECONDS)
            self._start(secret.values["access_token"])
        return secret.values["access_token"]

    async def refresh(self, refused: str) -> str:
        """Return another token than `refused`, which the vendor has just answered with 401."""
        secret = self._secret
        if secret is None or secret.values.get("access_token", "") == refused:
            secret = await self._refreshed(refused)
        return secret.values["access_token"]

    async def aclose(self) -> None:
        """Let a refresh that is under way come to its end: cut off, it could lose a rotated token."""
        if self._flight is not None:
            await asyncio.wait([self._flight])

    async def _refreshed(self, unwanted: str) -> Secret:
        return await asyncio.shield(self._start(unwanted))

    def _start(self, unwanted: str) -> asyncio.Task[Secret]:
        if self._flight is None:
            self._flight = asyncio.create_task(self._renew(unwanted))
            self._flight.add_done_callback(self._landed)
        return self._flight

    def _landed(self, flight: asyncio.Task[Secret]) -> None:
        self._flight = None
        if flight.cancelled():
            return
        error = flight.exception()
        if error is None:
            self._secret = flight.result()
            self._renew_not_before = None
        else:
            logger.error("%s: no new access token: %s", where(self._account), error)

    async def _load(self) -> Secret:
        try:
            secret = await self._store.get(self._account.tenant, self._account.vendor)
        except RetryableError as error:
            raise NotSentError(f"{where(self._account)}: {error}") from error
        if secret is None:
            raise FatalError(f"{where(self._account)}: no credentials are stored; connect the account first")
        return secret

    async def _renew(self, unwanted: str) -> Secret:
        while True:
            secret, now = await self._load(), self._clock.now()
            if self._alive(secret, now) and secret.values.get("access_token") != unwanted:
                return secret
            if secret.refreshing_since is not None:
                left = REQUEST_SECONDS - (now - secret.refreshing_since).total_seconds()
                if left > 0:
                    await self._clock.sleep(min(left, REQUEST_SECONDS))
                    continue
            marked = replace(secret, refreshing_since=now)
            if not await self._mark(marked, secret.version):
                continue
            marked = replace(marked, version=secret.version + 1)
            fresh = await self._fetch(marked)
            if await self._keep(fresh, marked.version):
                return replace(fresh, version=marked.version + 1)

    async def _mark(self, marked: Secret, expected: int) -> bool:
        try:
            return await self._put(marked, expected)
        except RetryableError as error:
            raise NotSentError(f"{where(self._account)}: {error}") from error

    async def _keep(self, fresh: Secret, expected: int) -> bool:
        """Store what was granted: a rotated token exists nowhere else, so a store that is away is waited for."""
        for pause in KEEP_PAUSES:
            try:
                return await self._put(fresh, expected)
            except RetryableError as error:
                logger.warning("%s: new tokens wait to be stored: %s", where(self._account), error)
                await self._clock.sleep(pause)
        return await self._put(fresh, expected)

    async def _put(self, secret: Secret, expected: int) -> bool:
        return await self._store.compare_and_set(
            self._account.tenant, self._account.vendor, secret, expected_version=expected
        )

    async def _fetch(self, marked: Secret) -> Secret:
        try:
            response = await self._ask(marked.values)
            if response.status_code == httpx.codes.OK:
                return granted(self._account, self._grant, marked, response, self._clock.now())
            raise refusal(self._account, self._grant, response)
        except NotSentError:
            await self._unmark(marked)
            REFRESH_FAILURES.labels(self._account.vendor, "unreachable").inc()
            raise
        except RetryableError as error:
            # The token may have been rotated: the mark stays, so that nobody asks again before that is settled.
            REFRESH_FAILURES.labels(self._account.vendor, "unreachable").inc()
            raise NotSentError(str(error)) from error
        except ConnectorError as error:
            await self._unmark(marked)
            REFRESH_FAILURES.labels(self._account.vendor, error.code or "answer").inc()
            raise

    async def _unmark(self, marked: Secret) -> None:
        await self._put(replace(marked, refreshing_since=None), marked.version)

    async def _ask(self, values: Mapping[str, str]) -> httpx.Response:
        form: dict[str, str] = {"grant_type": self._grant.kind}
        if self._grant.kind == "refresh_token":
            form["refresh_token"] = credential(self._account, values, "refresh_token")
        headers, content = self._grant.request(form, client_credentials(self._account, values))
        return await self._http.request(
            "token", "POST", self._grant.token_url, reads=False, headers=headers, content=content
        )

    @staticmethod
    def _alive(secret: Secret, now: datetime) -> bool:
        return bool(secret.values.get("access_token")) and (secret.expires_at is None or now < secret.expires_at)

    @staticmethod
    def _half_gone(secret: Secret, now: datetime) -> bool:
        issued = secret.values.get("issued_at")
        if secret.expires_at is None or not issued:
            return False
        begun = parse_instant(issued)
        return now >= begun + (secret.expires_at - begun) / 2


def credential(account: Account, values: Mapping[str, str], name: str) -> str:
    """Return one of the stored credentials.

    Raises:
        FatalError: it is not stored.
    """
    if not values.get(name):
        raise FatalError(f"{where(account)}: the stored credentials have no {name}; connect the account again")
    return values[name]


def client_credentials(account: Account, values: Mapping[str, str]) -> tuple[str, str]:
    """Return client id and secret of our app.

    Raises:
        FatalError: they are not stored.
    """
    return credential(account, values, "client_id"), credential(account, values, "client_secret")


def granted(account: Account, grant: Grant, known: Secret, response: httpx.Response, now: datetime) -> Secret:
    """Return what is known with the tokens of a good answer (RFC 6749 §5.1).

    Raises:
        RetryableError: it has no access token. The server has acted: like a lost answer, this may have cost the old
            refresh token.
    """
    answer = answer_of(response)
    token = answer.get("access_token")
    if not isinstance(token, str) or not token:
        raise RetryableError(f"{where(account)}: the token endpoint's answer has no access_token")
    lifetime = float(answer["expires_in"]) if "expires_in" in answer else grant.lifetime
    values = {**known.values, "access_token": token, "issued_at": iso_micros(now)}
    if isinstance(rotated := answer.get("refresh_token"), str) and rotated:
        values["refresh_token"] = rotated
    return replace(known, values=values, expires_at=now + timedelta(seconds=lifetime), refreshing_since=None)


def refusal(account: Account, grant: Grant, response: httpx.Response) -> ConnectorError:
    """Return the error that a refused token request means (RFC 6749 §5.2)."""
    head, status = where(account), response.status_code
    answer = answer_of(response)
    code = str(answer.get("error", ""))
    code = code if ERROR_CODE.fullmatch(code) else ""
    busy = IN_PROGRESS in str(answer.get("error_description", ""))
    if busy or status == httpx.codes.TOO_MANY_REQUESTS or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        return RetryableError(f"{head}: the token endpoint is busy (HTTP {status} {code})".rstrip(), code=code)
    if code in BAD_SETTINGS or (not code and status == httpx.codes.UNAUTHORIZED):
        return FatalError(
            f"{head}: the token endpoint refuses client id and secret or the kind of grant ({code or status}); "
            "correct client_id and client_secret in the stored credentials and the setting token_url",
            code=code or "invalid_client",
        )
    if code:
        return UnauthorizedError(f"{head}: the grant is no longer valid ({code}); connect the account again", code=code)
    return FatalError(f"{head}: {grant.token_url} is no token endpoint (HTTP {status}); correct token_url")


def answer_of(response: httpx.Response) -> dict[str, Any]:
    """Return the answer of a token endpoint, empty if it is none."""
    try:
        answer = loads(response.content)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}
