"""`POST /webhooks/{vendor}` and `/webhooks/{vendor}/{tenant}`: verified, read, in Kafka, and only then acknowledged.

| answer | when |
|---|---|
| 200 | every record of a connected company is in Kafka; the body counts accepted and ignored ones |
| 400 | signed, but not what the vendor documents; the body names the field |
| 401 | no live secret signed it, or the tenant is unknown: the same empty answer for all |
| 404 | the vendor is unknown or has no webhooks |
| 408, 413, 415 | the body comes too slowly, is too large, or is compressed |
| 429, 503 | too much is waiting, Kafka is slow, or we are not ready: `Retry-After` says when to come again |

A signed record of a company that is not connected (or not by the secret that signed) is ignored and counted, not
refused: Intuit holds back the events of every company until a request is acknowledged.
"""

import asyncio
import logging
import re
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.errors import DecodeError, FatalError, RejectedError, RetryableError
from connectors.kafka.headers import TokenHex, traceparent
from connectors.kafka.records import VendorRecord
from connectors.ports import Clock, Raw, Vendor, WebhookReader
from streams.gateway.secrets import WebhookSecrets
from streams.metrics import WEBHOOK_SECONDS, WEBHOOKS

logger = logging.getLogger(__name__)

MAX_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 10.0
ACK_SECONDS = 2.5
"""Intuit gives up after 3 s (its page "Webhooks best practices")."""
RETRY_SECONDS = 5
MAX_WAITING = 1000
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


class Writer(Protocol):
    """Where records go; `streams.gateway.inbox.Inbox` is the one."""

    async def put(self, records: Sequence[VendorRecord], trace: str) -> None:
        """Return when all are durable.

        Raises:
            RetryableError: not now.
            RejectedError: a record is too large.
        """
        ...


class Answer(Exception):  # noqa: N818  not an error: how a request ends early
    """Ends a request. `outcome` is the label it is counted under."""

    def __init__(self, outcome: str, status: int, error: str = "") -> None:
        super().__init__(error)
        self.outcome = outcome
        self.status = status
        self.error = error

    def response(self) -> Response:
        """Return what is sent."""
        headers = {"Retry-After": str(RETRY_SECONDS)} if self.status in {429, 503} else {}
        return JSONResponse({"error": self.error} if self.error else {}, self.status, headers)


class Webhooks:
    """Answers the webhooks of all vendors.

    Args:
        vendors: by name.
        companies: who is connected.
        secrets: that may sign.
        writer: makes records durable.
        clock: of `received_at`.
        token_hex: randomness for new traces.
    """

    def __init__(
        self,
        vendors: Mapping[str, Vendor],
        companies: Companies,
        live_secrets: WebhookSecrets,
        writer: Writer,
        clock: Clock,
        token_hex: TokenHex = secrets.token_hex,
    ) -> None:
        self._vendors = vendors
        self._companies = companies
        self._secrets = live_secrets
        self._writer = writer
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
            accepted, ignored = await self._take(request, vendor.name, vendor.webhook)
        except Answer as answer:
            outcome, response = answer.outcome, answer.response()
        else:
            outcome = "accepted" if accepted or not ignored else "ignored"
            response = JSONResponse({"accepted": accepted, "ignored": ignored})
        finally:
            self._waiting -= 1
            WEBHOOK_SECONDS.labels(vendor.name).observe(time.perf_counter() - began)
        WEBHOOKS.labels(vendor.name, outcome).inc()
        return response

    async def _take(self, request: Request, vendor: str, reader: WebhookReader) -> tuple[int, int]:
        """Return how many records were accepted and ignored."""
        self._refuse_when_unfit()
        body = await _body(request)
        signers = await self._signers(request, body, vendor, reader)
        try:
            by_account = reader.parse(dict(request.headers), body)
        except DecodeError as error:
            logger.warning("%s webhook refused: %s", vendor, error)
            raise Answer("malformed", 400, str(error)) from None
        accounts = {self._companies.account_of(tenant, vendor): tenant for tenant in signers}
        records = list(self._records(by_account, accounts, vendor))
        ignored = sum(len(raws) for account, raws in by_account.items() if account not in accounts)
        if ignored:
            unknown = ", ".join(PRINTABLE.sub("?", account)[:40] for account in by_account if account not in accounts)
            logger.warning("%s webhook: %d records ignored, nobody connected the company %s", vendor, ignored, unknown)
        await self._put(records, traceparent(request.headers.get("traceparent"), self._token_hex))
        return len(records), ignored

    def _refuse_when_unfit(self) -> None:
        if self._companies.problem is not None:
            raise Answer("unavailable", 503, "not ready")
        if self._waiting > MAX_WAITING:
            raise Answer("busy", 429, "too many requests are waiting")

    async def _signers(self, request: Request, body: bytes, vendor: str, reader: WebhookReader) -> set[str]:
        """Return the tenants for whom the request speaks: those that hold a secret which signed it."""
        tenant = request.path_params.get("tenant")
        asked = [tenant] if tenant is not None else self._companies.tenants()
        connected = [name for name in asked if self._companies.account_of(name, vendor) is not None]
        try:
            holders = await self._secrets.of(vendor, connected)
        except FatalError as error:
            logger.error("%s webhook: %s", vendor, error)  # noqa: TRY400  the message says all
            raise Answer("unavailable", 503, "not ready") from None
        headers, now = dict(request.headers), self._clock.now()
        signers = [found for secret, found in holders.items() if reader.verify(headers, body, [secret], now)]
        if not signers:
            raise Answer("unauthorised", 401)
        return set().union(*signers)

    def _records(
        self, by_account: Mapping[str, Sequence[Raw]], accounts: Mapping[str | None, str], vendor: str
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
            raise Answer("unavailable", 503, "not stored, send it again") from None
        except RejectedError as error:
            raise Answer("too_large", 413, str(error)) from None


async def _body(request: Request) -> bytes:
    """Return the raw bytes, bounded in size and time."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Answer("malformed", 415, "send the body uncompressed")
    too_large = Answer("too_large", 413, f"the body is larger than {MAX_BYTES} bytes")
    if int(request.headers.get("content-length", "0")) > MAX_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BYTES:
                    raise too_large
    except TimeoutError:
        raise Answer("slow", 408, f"the body took longer than {BODY_SECONDS:g} s") from None
    except ClientDisconnect:
        raise Answer("disconnected", 400, "the body is not complete") from None
    return bytes(body)
