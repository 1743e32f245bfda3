"""One request from arrival to answer: counted, struck by faults, handled in one transaction, answered."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from connectors.sandbox.clock import ahead
from connectors.sandbox.context import SandboxContext, Vendor
from connectors.sandbox.faults import Fault

REFUSED = 400
ENDINGS = frozenset(
    {
        "status",
        "throttle",
        "reset_before_commit",
        "commit_then_reset",
        "reset_then_commit",
        "slow_body",
        "malformed_body",
    }
)
PIECES = 10
AT_ONCE = "calls at once"


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete HTTP answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Exchange:
    """The ASGI app around a vendor's app.

    An answer below 400 means its writes are committed; from 400 on they are rolled back. The connection may be gone
    by then: like the real ones, a vendor finishes what it began.
    """

    def __init__(self, ctx: SandboxContext, vendor: Vendor) -> None:
        self._ctx = ctx
        self._vendor = vendor
        self._later: set[asyncio.Task[Any]] = set()
        self._under_way: Counter[str] = Counter()

    async def aclose(self) -> None:
        """Give up commits that `reset_then_commit` still holds back."""
        for task in list(self._later):
            task.cancel()
        await asyncio.gather(*self._later, return_exceptions=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        body = request.state.body = await request.body()
        account = self._vendor.account_of(request)
        skew = self._take(frozenset({"clock_skew"}), request, account)
        with ahead(skew.seconds if skew else 0):
            await self._serve(request, body, account, receive, send)

    async def _serve(self, request: Request, body: bytes, account: str | None, receive: Receive, send: Send) -> None:
        self._ctx.meter.call(account, self._vendor.operation_of(request))
        fault: Fault | None = None
        # Over before the answer leaves: whoever has read it may send the next call.
        with self._counted(request, account) as admitted:
            if admitted:
                await self._prelude(request, account)
                fault = self._take(ENDINGS, request, account)
                answer = await self._answer(request, body, fault)
            else:
                answer = _rendered(self._vendor.throttled(request))
        self._ctx.meter.answer(account, answer.status if answer else "reset")
        if answer is None:
            await _reset(request.scope, receive)
        elif fault and fault.kind == "slow_body":
            await self._send_slowly(answer, send, fault.seconds)
        else:
            await _send(self._dated(answer), send)
        if fault and fault.kind == "reset_then_commit":
            task = asyncio.create_task(self._commit_later(request, body, fault.seconds))
            self._later.add(task)
            task.add_done_callback(self._later.discard)

    @contextmanager
    def _counted(self, request: Request, account: str | None) -> Iterator[bool]:
        """Count a call as under way; False: as many as the vendor allows are already."""
        most = None if account is None else self._vendor.concurrency(request, account)
        if account is None or most is None:
            yield True
            return
        if self._under_way[account] >= most:
            self._ctx.meter.over(account, AT_ONCE)
            yield False
            return
        self._under_way[account] += 1
        try:
            yield True
        finally:
            self._under_way[account] -= 1

    async def _prelude(self, request: Request, account: str | None) -> None:
        delay = self._take(frozenset({"delay"}), request, account)
        if delay:
            await self._ctx.clock.sleep(delay.seconds)
        if account is not None and self._take(frozenset({"expire_tokens"}), request, account):
            async with self._ctx.database.transaction():
                self._ctx.tokens.expire(account)

    async def _answer(self, request: Request, body: bytes, fault: Fault | None) -> Answer | None:
        match fault.kind if fault else None:
            case "status" if fault:
                return Answer(fault.status, [(b"content-type", _media_type(fault.body))], fault.body.encode())
            case "throttle":
                return _rendered(self._vendor.throttled(request))
            case "reset_before_commit" | "reset_then_commit":
                return None
            case "commit_then_reset":
                await self._handle(request.scope, body)
                return None
            case "malformed_body":
                answer = await self._handle(request.scope, body)
                return Answer(answer.status, answer.headers, answer.body[: len(answer.body) // 2])
            case _:
                return await self._handle(request.scope, body)

    async def _handle(self, scope: Scope, body: bytes) -> Answer:
        async with self._ctx.database.transaction() as unit:
            answer = await self._run(scope, body)
            if answer.status >= REFUSED:
                unit.abandon()
        return answer

    async def _run(self, scope: Scope, body: bytes) -> Answer:
        received = False
        start: Message = {}
        parts: list[bytes] = []

        async def receive() -> Message:
            nonlocal received
            if received:  # no disconnect is ever reported: the handler runs to its end
                await asyncio.Event().wait()
            received = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self._vendor.app(scope, receive, send)
        return Answer(start["status"], list(start["headers"]), b"".join(parts))

    async def _commit_later(self, request: Request, body: bytes, seconds: float) -> None:
        await self._ctx.clock.sleep(seconds)
        await self._handle(request.scope, body)

    def _dated(self, answer: Answer) -> Answer:
        """Say when it was answered, by the sandbox's clock."""
        date = formatdate(self._ctx.clock.now().timestamp(), usegmt=True).encode()
        return Answer(answer.status, [*answer.headers, (b"date", date)], answer.body)

    async def _send_slowly(self, answer: Answer, send: Send, seconds: float) -> None:
        answer = self._dated(answer)
        await send(_start(answer))
        size = max(1, -(-len(answer.body) // PIECES))
        for begin in range(0, len(answer.body), size):
            await self._ctx.clock.sleep(seconds / PIECES)
            await send({"type": "http.response.body", "body": answer.body[begin : begin + size], "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    def _take(self, kinds: frozenset[str], request: Request, account: str | None) -> Fault | None:
        return self._ctx.faults.take(kinds, account, request.method, request.url.path)


def _rendered(response: Response) -> Answer:
    return Answer(response.status_code, response.raw_headers, bytes(response.body))


def _start(answer: Answer) -> Message:
    headers = [(name, value) for name, value in answer.headers if name.lower() != b"content-length"]
    headers.append((b"content-length", str(len(answer.body)).encode()))
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def _send(answer: Answer, send: Send) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body})


async def _reset(scope: Scope, receive: Receive) -> None:
    scope["state"]["connection"].reset()
    await receive()  # returns once the server has noticed; leaving earlier would make it answer 500


def _media_type(body: str) -> bytes:
    return b"application/xml" if body.startswith("<") else b"application/json"
