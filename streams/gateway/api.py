"""`/v1/tenants/{tenant}/…`: what a tenant's own programs ask of us, with an API key.

| request | answer |
|---|---|
| `POST customers?wait=10s`, header `Idempotency-Key` | 200 with the QuickBooks id; 202 and `Location` if it lasts |
| `GET requests/{key}` | 200: how that request fares, whichever gateway took it; kept 24 h |
| `POST events` | 202: CloudEvents are in Kafka |

400: the request is malformed; 401: no key of this tenant; 404: no such request; 408, 413, 415: the body; 422: the
content, or another one under the same key, or it cannot be carried out; 429: Kafka is slow; 503: not ready. All as
problem details.
"""

import asyncio
import re
import secrets
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.errors import ConnectorError, RejectedError, RetryableError
from connectors.kafka.headers import TokenHex, event_headers, traceparent
from connectors.kafka.records import Reply
from connectors.kafka.records import Request as Asking
from connectors.kafka.topics import INBOX, REPLY
from connectors.ports import Clock
from streams.gateway import bodies
from streams.gateway.answers import Answer
from streams.gateway.customers import Customer, customer_in
from streams.gateway.inbox import Item, Tenanted
from streams.gateway.keys import ApiKeys
from streams.gateway.problems import problem, told
from streams.gateway.replies import Outcomes, pending
from streams.replies import Asked

ACK_SECONDS = 5.0
WAIT_SECONDS, MAX_WAIT_SECONDS = 10.0, 60.0
MAX_WAITING = 1000
WAIT = re.compile(r"(\d{1,3}(?:\.\d{1,3})?)s?")
KEY = re.compile(r"[\x21-\x7e]{1,255}")
SOURCE = "/sluiceway/gateway/api"


class Sender(Protocol):
    """Where records go; `streams.gateway.inbox.Inbox` is the one."""

    async def send(self, items: Sequence[Item[Tenanted]]) -> None:
        """Return when all are durable.

        Raises:
            RetryableError: not now.
            RejectedError: a record is too large.
        """
        ...


class Board(Protocol):
    """What is known of requests; `streams.gateway.replies.Replies` is the one."""

    outcomes: Outcomes

    @property
    def problem(self) -> str | None:
        """Why it is not to be relied upon."""
        ...

    async def caught_up(self, tenant: str) -> None:
        """Return when everything written until now is known."""
        ...


async def authorised(request: Request, keys: ApiKeys) -> str:
    """Return the tenant of the address, if the request has a key of it.

    Raises:
        Answer: it has not: the same for an unknown tenant as for a wrong key.
    """
    tenant = str(request.path_params["tenant"])
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    try:
        if scheme.lower() == "bearer" and await keys.opens(tenant, presented.strip()):
            return tenant
    except ConnectorError:
        raise Answer("unavailable", 503, "not ready") from None
    raise Answer("unauthorised", 401)


async def stored(sender: Sender, items: Sequence[Item[Tenanted]]) -> None:
    """Return when the records are durable.

    Raises:
        Answer: they are not.
    """
    try:
        async with asyncio.timeout(ACK_SECONDS):
            await sender.send(items)
    except (TimeoutError, RetryableError):
        raise Answer("slow_kafka", 429, "not stored, send it again") from None
    except RejectedError as error:
        raise Answer("too_large", 413, str(error)) from None


class Requests:
    """Takes requests and answers them.

    Args:
        keys: who may ask.
        sender: makes records durable.
        board: what became of them.
        clock: of the records.
        token_hex: randomness for new traces.
    """

    def __init__(
        self, keys: ApiKeys, sender: Sender, board: Board, clock: Clock, token_hex: TokenHex = secrets.token_hex
    ) -> None:
        self._keys = keys
        self._sender = sender
        self._board = board
        self._clock = clock
        self._token_hex = token_hex
        self._waiting = 0

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/v1/tenants/{tenant}/customers", self.customer, methods=["POST"]),
            Route("/v1/tenants/{tenant}/requests/{key:path}", self.status, methods=["GET"]),
        ]

    @told
    async def customer(self, request: Request) -> Response:
        """Take a customer in and wait for its QuickBooks id."""
        tenant = await authorised(request, self._keys)
        key, seconds = _key(request), _wait(request)
        body = await bodies.raw(request)
        bodies.refuse_deep(body)
        customer = customer_in(body)
        await self._catch_up(tenant)
        if self._board.outcomes.of(tenant, key) is None:
            await self._take(request, tenant, key, customer)
        elif self._board.outcomes.of(tenant, key, customer.digest) is None:
            raise Answer("conflict", 422, "the Idempotency-Key was used for another request; choose a new one")
        reply = await self._decided(tenant, key, customer.digest, seconds)
        return _answer(reply or pending(tenant, key, customer.digest, self._clock.now()))

    async def _decided(self, tenant: str, key: str, digest: str, seconds: float) -> Reply | None:
        """Wait for the answer, unless too many do: then the caller asks again."""
        self._waiting += 1
        try:
            patience = seconds if self._waiting <= MAX_WAITING else 0.0
            return await self._board.outcomes.decided(tenant, key, digest, patience)
        finally:
            self._waiting -= 1

    @told
    async def status(self, request: Request) -> Response:
        """Tell how a request fares."""
        tenant = await authorised(request, self._keys)
        key = str(request.path_params["key"])
        if (reply := self._board.outcomes.of(tenant, key)) is None:
            await self._catch_up(tenant)
            reply = self._board.outcomes.of(tenant, key)
        if reply is None:
            raise Answer("unknown", 404, "no request has had this key in the last 24 hours")
        return JSONResponse(_state(reply))

    async def _catch_up(self, tenant: str) -> None:
        if self._board.problem is not None:
            raise Answer("unavailable", 503, "not ready")
        try:
            await self._board.caught_up(tenant)
        except RetryableError as error:
            raise Answer("slow_kafka", 429, str(error)) from None

    async def _take(self, request: Request, tenant: str, key: str, customer: Customer) -> None:
        now, asked = self._clock.now(), Asked(key, customer.digest)
        external_id = customer.external(key)
        asking = Asking(tenant, key, asked.digest, "Customer", external_id, customer.body(external_id), now)
        headers = event_headers(
            schema=asking.SCHEMA,
            event_id=str(asked),
            source=SOURCE,
            at=now,
            tenant=tenant,
            trace=traceparent(request.headers.get("traceparent"), self._token_hex),
            origin="api",
        )
        waiting = pending(tenant, key, asked.digest, now)
        told = event_headers(schema=waiting.SCHEMA, event_id=str(asked), source=SOURCE, at=now, tenant=tenant)
        await stored(self._sender, [Item(INBOX, asking, [*headers, asked.header])])
        # Only now: what is pending is surely in the inbox, and need not be sent again.
        await stored(self._sender, [Item(REPLY, waiting, told)])


def _key(request: Request) -> str:
    """Return the key, with or without the quotes of a structured header (draft-ietf-httpapi-idempotency-key-header)."""
    key = request.headers.get("idempotency-key", "").strip()
    key = key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key
    if not KEY.fullmatch(key):
        raise Answer("malformed", 400, "header Idempotency-Key is needed: 1 to 255 visible ASCII characters")
    return key


def _wait(request: Request) -> float:
    text = request.query_params.get("wait", f"{WAIT_SECONDS:g}s")
    match = WAIT.fullmatch(text)
    if match is None or float(match.group(1)) > MAX_WAIT_SECONDS:
        raise Answer("malformed", 400, f"wait must be a number of seconds up to {MAX_WAIT_SECONDS:g}s, e.g. 10s")
    return float(match.group(1))


def _answer(reply: Reply) -> Response:
    if reply.state == "done":
        return JSONResponse(_state(reply))
    if reply.state == "conflict":
        return problem(422, "the Idempotency-Key was used for another request; choose a new one")
    if reply.state == "failed":
        return problem(422, reply.detail or "it cannot be carried out", request=_state(reply))
    return JSONResponse(_state(reply), 202, {"Location": _address(reply), "Retry-After": "1"})


def _state(reply: Reply) -> dict[str, str]:
    """Return what callers see of a reply; what is not known yet is left out."""
    party = reply.object_key.partition("/")[2]
    ids = {"customer_id": party or None, "quickbooks_id": reply.remote_id}
    shown = {"key": reply.key, "status": reply.state, **ids, "detail": reply.detail, "at": reply.at.isoformat()}
    return {name: value for name, value in shown.items() if value is not None} | {"href": _address(reply)}


def _address(reply: Reply) -> str:
    return f"/v1/tenants/{quote(reply.tenant, safe='')}/requests/{quote(reply.key, safe='')}"
