"""`POST /webhooks/{vendor}` and `/webhooks/{vendor}/{tenant}`: verified, read, in Kafka, and only then acknowledged.

| answer | when |
|---|---|
| 200 | every record of a connected company is in Kafka; the body counts accepted and ignored ones, or the repeated |
| 400 | signed, but not what the vendor documents, or too deep; the body names the field |
| 401 | no live secret signed it, it is not from where it must be, or the tenant is unknown: the same empty answer |
| 404 | the vendor is unknown or has no webhooks |
| 408, 413, 415 | the body comes too slowly, is too large, or is compressed |
| 429 | too much is waiting, or Kafka is slow: `Retry-After` says when to come again |
| 503 | we are not ready, e.g. do not know yet who is connected; `Retry-After` as well |

A signed record of a company that is not connected (or not by the secret that signed) is ignored and counted, not
refused: Intuit holds back the events of every company until a request is acknowledged.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Protocol

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.errors import DecodeError, FatalError, RejectedError, RetryableError
from connectors.kafka.headers import TokenHex, traceparent
from connectors.kafka.records import VendorRecord
from connectors.ports import Clock, Raw, Vendor, WebhookReader
from streams.gateway import bodies
from streams.gateway.answers import Answer
from streams.gateway.origin import Network, allowed, network, sender
from streams.gateway.secrets import WebhookSecrets
from streams.gateway.seen import Seen, mark
from streams.metrics import WEBHOOK_SECONDS, WEBHOOKS

logger = logging.getLogger(__name__)

ACK_SECONDS = 2.5
"""Intuit gives up after 3 s (its page "Webhooks best practices")."""
MAX_WAITING = 1000
ALLOW_FROM = "webhook_allow_from"
"""A connection's setting: from which addresses and ranges its webhooks come, separated by commas; absent: any."""
NOBODY = network("255.255.255.255")
PRINTABLE = re.compile(r"[^\x20-\x7e]")


class Companies(Protocol):
    """What is asked about connections; `streams.connections.Directory` answers."""

    @property
    def problem(self) -> str | None:
        """Why the answers are not to be relied upon."""
        ...

    def tenants(self) -> Sequence[str]:
        """Return all tenants."""
        ...

    def account_of(self, tenant: str, vendor: str) -> str | None:
        """Return the company's id at the vendor; None: not connected."""
        ...

    def setting(self, tenant: str, vendor: str, name: str) -> str:
        """Return a setting of the connection, `""` if there is none."""
        ...


class Writer(Protocol):
    """Where records go; `streams.gateway.inbox.Inbox` is the one."""

    async def put(self, records: Sequence[VendorRecord], trace: str) -> None:
        """Return when all are durable.

        Raises:
            RetryableError: not now.
            RejectedError: a record is too large.
        """
        ...


class Webhooks:
    """Answers the webhooks of all vendors.

    Args:
        vendors: by name.
        companies: who is connected.
        secrets: that may sign.
        writer: makes records durable.
        seen: deliveries that are durable already.
        proxies: whose word about the sender is taken.
        clock: of `received_at`.
        token_hex: randomness for new traces.
    """

    def __init__(
        self,
        vendors: Mapping[str, Vendor],
        companies: Companies,
        live_secrets: WebhookSecrets,
        writer: Writer,
        seen: Seen,
        proxies: Sequence[Network],
        clock: Clock,
        token_hex: TokenHex = secrets.token_hex,
    ) -> None:
        self._vendors = vendors
        self._companies = companies
        self._secrets = live_secrets
        self._writer = writer
        self._seen = seen
        self._proxies = proxies
        self._clock = clock
        self._token_hex = token_hex
        self._waiting = 0

    def routes(self) -> list[Route]:
        """Return the two routes."""
        return [
            Route("/webhooks/{vendor}", self._answer, methods=["POST"]),
            Route("/webhooks/{vendor}/{tenant}", self._answer, methods=["POST"]),
        ]

    async def _answer(self, request: Request) -> Response:
        vendor = self._vendors.get(request.path_params["vendor"])
        if vendor is None or vendor.webhook is None:
            return Response(status_code=404)
        began = time.perf_counter()
        self._waiting += 1
        try:
            counts = await self._take(request, vendor.name, vendor.webhook)
        except Answer as answer:
            outcome, response = answer.outcome, answer.response()
        else:
            outcome = next((name for name in ("accepted", "repeated", "ignored") if counts.get(name)), "accepted")
            response = JSONResponse(counts)
        finally:
            self._waiting -= 1
            WEBHOOK_SECONDS.labels(vendor.name).observe(time.perf_counter() - began)
        WEBHOOKS.labels(vendor.name, outcome).inc()
        return response

    async def _take(self, request: Request, vendor: str, reader: WebhookReader) -> Mapping[str, int]:
        """Return how many records were accepted and ignored, or repeated."""
        self._refuse_when_unfit()
        headers, body = dict(request.headers), await bodies.raw(request)
        signers = await self._signers(request, headers, body, vendor, reader)
        bodies.refuse_deep(body)
        try:
            by_account = reader.parse(headers, body)
        except DecodeError as error:
            logger.warning("%s webhook refused: %s", vendor, error)
            raise Answer("malformed", 400, str(error)) from None
        accounts = self._accounts(request, vendor, signers)
        ignored = sum(len(raws) for account, raws in by_account.items() if account not in accounts)
        marks = (
            [] if ignored else _marks(vendor, sorted(signers), lambda: reader.delivery_id(headers, body), by_account)
        )
        if self._seen.knows(marks):
            return {"accepted": 0, "ignored": 0, "repeated": sum(map(len, by_account.values()))}
        if ignored:
            unknown = ", ".join(PRINTABLE.sub("?", account)[:40] for account in by_account if account not in accounts)
            logger.warning("%s webhook: %d records ignored, nobody connected the company %s", vendor, ignored, unknown)
        records = list(self._records(by_account, accounts, vendor))
        await self._put(records, traceparent(request.headers.get("traceparent"), self._token_hex))
        self._seen.remember(marks)
        return {"accepted": len(records), "ignored": ignored}

    def _accounts(self, request: Request, vendor: str, signers: set[str]) -> Mapping[str, str]:
        """Return the tenant by account, `""` included where the address names the tenant."""
        found = {self._companies.account_of(tenant, vendor) or "": tenant for tenant in signers}
        if tenant := request.path_params.get("tenant"):
            return {**found, "": tenant}
        return {account: tenant for account, tenant in found.items() if account}

    def _refuse_when_unfit(self) -> None:
        if self._companies.problem is not None:
            raise Answer("unavailable", 503, "not ready")
        if self._waiting > MAX_WAITING:
            raise Answer("busy", 429, "too many requests are waiting")

    async def _signers(
        self, request: Request, headers: Mapping[str, str], body: bytes, vendor: str, reader: WebhookReader
    ) -> set[str]:
        """Return the tenants for whom the request speaks: those that hold a secret which signed it."""
        tenant = request.path_params.get("tenant")
        asked = [tenant] if tenant is not None else self._companies.tenants()
        connected = [name for name in asked if self._companies.account_of(name, vendor) is not None]
        connected = self._allowing(connected, vendor, request)
        try:
            holders = await self._secrets.of(vendor, connected)
        except FatalError as error:
            logger.error("%s webhook: %s", vendor, error)  # noqa: TRY400  the message says all
            raise Answer("unavailable", 503, "not ready") from None
        now = self._clock.now()
        signers = [found for secret, found in holders.items() if reader.verify(headers, body, [secret], now)]
        if not signers:
            raise Answer("unauthorised", 401)
        return set().union(*signers)

    def _allowing(self, tenants: Sequence[str], vendor: str, request: Request) -> list[str]:
        """Return the tenants whose connection takes webhooks from where the request comes."""
        limited = {tenant: self._companies.setting(tenant, vendor, ALLOW_FROM) for tenant in tenants}
        if not any(limited.values()):
            return list(tenants)
        peer = request.client.host if request.client else ""
        address = sender(peer, request.headers.getlist("x-forwarded-for"), self._proxies)
        return [tenant for tenant, text in limited.items() if allowed(address, _networks(tenant, vendor, text))]

    def _records(
        self, by_account: Mapping[str, Sequence[Raw]], accounts: Mapping[str, str], vendor: str
    ) -> Iterator[VendorRecord]:
        received_at = self._clock.now()
        for account, raws in by_account.items():
            for raw in raws if account in accounts else ():
                yield VendorRecord(
                    tenant=accounts[account],
                    vendor=vendor,
                    object=raw.object,
                    remote_id=raw.remote_id,
                    source_version=raw.version,
                    origin="webhook",
                    body=raw.body,
                    received_at=received_at,
                    deleted=raw.deleted,
                    hint=raw.hint,
                    merged_into=raw.merged_into,
                    undeleted=raw.undeleted,
                    ours=raw.ours,
                )

    async def _put(self, records: Sequence[VendorRecord], trace: str) -> None:
        try:
            async with asyncio.timeout(ACK_SECONDS):
                await self._writer.put(records, trace)
        except (TimeoutError, RetryableError) as error:
            logger.warning("webhook not acknowledged: %s", str(error) or "Kafka is slow")
            raise Answer("slow_kafka", 429, "not stored, send it again") from None
        except RejectedError as error:
            raise Answer("too_large", 413, str(error)) from None


def _marks(
    vendor: str, signers: Sequence[str], delivery: Callable[[], str | None], by_account: Mapping[str, Sequence[Raw]]
) -> list[bytes]:
    """Return what stands for a delivery: its content, by itself where it has versions, as few vendors sign an id.

    Else with its id, if it has one: such content may truly come twice, e.g. an object deleted, restored and deleted
    again. The id alone would not do, as not every vendor's differ (WooCommerce).
    """
    raws = [(account, raw) for account, found in by_account.items() for raw in found]
    versioned = bool(raws) and all(raw.version for _, raw in raws)
    id_ = None if versioned else delivery()
    if not versioned and id_ is None:
        return []
    content = [
        part
        for account, raw in raws
        for part in (account, raw.object, raw.remote_id, raw.version, str(raw.deleted), raw.body)
    ]
    return [mark(vendor, *signers, "" if versioned else f"delivery {id_}", *content)]


@lru_cache(maxsize=1024)
def _networks(tenant: str, vendor: str, text: str) -> Sequence[Network]:
    """Read the setting; one that is wrong lets nobody in, and says so."""
    try:
        return tuple(network(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        logger.error("tenant %s, %s: setting %s: %s", tenant, vendor, ALLOW_FROM, error)  # noqa: TRY400  says all
        return (NOBODY,)
