"""The one HTTP stack under every vendor client.

A request passes these layers, outermost first:

1. retry: not here but in the caller, `streams/delivery`, which alone knows attempts, quota and what may be repeated;
2. limit: `pacing.turn` waits until whoever owns the quota lets the request go;
3. metrics: counted and timed from there on, with the vendor and the operation as labels;
4. auth: the access token goes in; a refused one is refreshed once and the request repeated, which takes another turn;
5. allow-list: nothing leaves for a host that neither the vendor declares nor the operator allows;
6. transport: TLS 1.2 or later, no redirects, no proxies from the environment, time limits; what fails becomes an error
   of the tree.

Token requests have no layers 2 and 4: vendors do not count them, and a refresh must not wait for quota.
"""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Protocol

import httpx

from connectors.errors import FatalError, InDoubtError, NotSentError, RetryableError
from connectors.metrics import REQUESTS, SECONDS
from connectors.pacing import turn

UNAUTHORIZED = 401
BEARER = ("Authorization", "Bearer ")
CONNECT_SECONDS = 10.0
NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class Tokens(Protocol):
    """Where the auth layer gets access tokens; `connectors.oauth.TokenProvider` is the one that refreshes them."""

    async def token(self) -> str:
        """Return a token that should be good."""
        ...

    async def refresh(self, refused: str) -> str:
        """Return another one than `refused`."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """Where requests may go.

    Attributes:
        suffixes: the vendor's own domains; they and their subdomains are reached by https only.
        hosts: host names the operator allows (`SLUICEWAY_ALLOW_HOSTS`), plain http included.
    """

    suffixes: tuple[str, ...]
    hosts: frozenset[str]

    def check(self, url: httpx.URL) -> None:
        """Refuse every other address.

        Raises:
            FatalError: the host is not allowed, or the vendor's own host is asked for without TLS.
        """
        host = url.host.lower().rstrip(".")
        if host in self.hosts and url.scheme in {"http", "https"}:
            return
        if not any(host == suffix or host.endswith(f".{suffix}") for suffix in self.suffixes):
            raise FatalError(
                f"host {host or '(none)'} is neither the vendor's ({', '.join(self.suffixes)}) nor allowed; "
                "correct the address, or name the host in SLUICEWAY_ALLOW_HOSTS"
            )
        if url.scheme != "https":
            raise FatalError(f"host {host} is reached by https only; correct the address")

    def check_setting(self, name: str, url: str) -> None:
        """Refuse a setting that is no allowed address.

        Raises:
            FatalError: as `check`; the message names the setting.
        """
        try:
            self.check(httpx.URL(url))
        except (FatalError, httpx.InvalidURL) as error:
            raise FatalError(f"setting {name}: {error}") from None


def tls_context(ca_file: str = "") -> ssl.SSLContext:
    """Return a verifying context of TLS 1.2 or later that also trusts the certificates in `ca_file`.

    Raises:
        FatalError: the file cannot be read or holds no certificate.
    """
    context = httpx.create_ssl_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca_file:
        try:
            context.load_verify_locations(cafile=ca_file)
        except (OSError, ssl.SSLError) as error:
            raise FatalError(f"setting ca_file: {ca_file} is not a readable PEM file of certificates") from error
    return context


def retry_after(response: httpx.Response, now: datetime) -> float | None:
    """Return the seconds a `Retry-After` header asks for (RFC 9110 §10.2.3: seconds or a date), None without one."""
    value = response.headers.get("retry-after", "").strip()
    if value.isdigit():
        return float(value)
    try:
        return max(0.0, (parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None


@dataclass(frozen=True, slots=True)
class Http:
    """A connection's way out. Build it with `open_http`; `authorised` adds the auth layer.

    Attributes:
        vendor: label of the metrics and head of messages.
        timeout_seconds: bounds one request from the first byte sent to the last one read.
        tokens: the auth layer; None leaves it out.
        about_token: tells whether a 401 speaks of the token, so that another one may help.
        token_header: name of the header that the token goes into, and what stands before it there.
    """

    vendor: str
    reach: Reach
    client: httpx.AsyncClient
    timeout_seconds: float
    tokens: Tokens | None = None
    about_token: Callable[[httpx.Response], bool] = lambda _: True
    token_header: tuple[str, str] = BEARER

    def authorised(
        self,
        tokens: Tokens,
        about_token: Callable[[httpx.Response], bool] | None = None,
        token_header: tuple[str, str] = BEARER,
    ) -> "Http":
        """Return the same way out with tokens put in."""
        return replace(self, tokens=tokens, about_token=about_token or self.about_token, token_header=token_header)

    async def aclose(self) -> None:
        """End all connections."""
        await self.client.aclose()

    async def request(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        reads: bool,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        pinned: str | None = None,
    ) -> httpx.Response:
        """Send one request and return its answer, whatever the status.

        `operation` is a constant name for the metrics; `reads` says that it changes nothing at the vendor, so that a
        lost answer leaves no doubt; `pinned` is an `Authorization` header to use as it is, without the auth layer.

        Raises:
            NotSentError: the request surely never left (writes).
            InDoubtError: it may have been carried out (writes).
            RetryableError: no answer (reads).
            FatalError: the host is not allowed.
            ConnectorError: of the token refresh.
        """
        request = self.client.build_request(
            method, url, params=dict(params) if params else None, headers=dict(headers or {}), content=content
        )
        if pinned is not None or self.tokens is not None:
            await turn()
        begun, code_class = time.monotonic(), "error"
        try:
            response = await self._authorise(request, reads=reads, pinned=pinned)
            code_class = f"{response.status_code // 100}xx"
            return response
        finally:
            REQUESTS.labels(self.vendor, operation, code_class).inc()
            SECONDS.labels(self.vendor, operation).observe(time.monotonic() - begun)

    async def _authorise(self, request: httpx.Request, *, reads: bool, pinned: str | None) -> httpx.Response:
        if pinned is not None:
            request.headers["Authorization"] = pinned
        if pinned is not None or self.tokens is None:
            return await self._send(request, reads=reads)
        token = await self.tokens.token()
        header, prefix = self.token_header
        request.headers[header] = f"{prefix}{token}"
        response = await self._send(request, reads=reads)
        if response.status_code != UNAUTHORIZED or not self.about_token(response):
            return response
        request.headers[header] = f"{prefix}{await self.tokens.refresh(token)}"
        await turn()
        return await self._send(request, reads=reads)

    async def _send(self, request: httpx.Request, *, reads: bool) -> httpx.Response:
        self.reach.check(request.url)
        try:
            async with asyncio.timeout(self.timeout_seconds):
                return await self.client.send(request)
        except NEVER_SENT as error:
            raise (RetryableError if reads else NotSentError)(self._failure(request, error)) from error
        except (httpx.RequestError, TimeoutError) as error:
            raise (RetryableError if reads else InDoubtError)(self._failure(request, error)) from error

    def _failure(self, request: httpx.Request, error: Exception) -> str:
        return f"{self.vendor}: no answer from {request.url.host} ({type(error).__name__})"


def open_http(
    vendor: str,
    reach: Reach,
    *,
    timeout_seconds: float,
    ca_file: str = "",
    transport: httpx.AsyncBaseTransport | None = None,
) -> Http:
    """Build the stack without the auth layer; `transport` stands in for the network in tests.

    Raises:
        FatalError: `ca_file` is no file of certificates.
    """
    client = httpx.AsyncClient(
        transport=transport or httpx.AsyncHTTPTransport(verify=tls_context(ca_file), trust_env=False),
        timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=False,
        headers={"User-Agent": "sluiceway", "Accept": "application/json"},
    )
    return Http(vendor, reach, client, timeout_seconds)
