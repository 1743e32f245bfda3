"""`/v1/`: key, version, limits, idempotency, and the answer's headers."""

import asyncio
import base64
import binascii
import re
from collections.abc import Awaitable, Callable
from hashlib import sha256
from random import Random
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.json_text import Json
from connectors.sandbox.limits import Limit
from connectors.sandbox.stripe import forms, hooks
from connectors.sandbox.stripe.calls import CALLS, Call, shown
from connectors.sandbox.stripe.errors import StripeError, rate_limited
from connectors.sandbox.stripe.expand import expanded
from connectors.sandbox.stripe.ledger import Ledger

LIMITS = (Limit("reads per second", 100, 1), Limit("writes per second", 100, 1))
VERSION = re.compile(r"20\d\d-\d\d-\d\d(\.[a-z]+)?")
KEY_LENGTH = 255
KEY_SECONDS = 24 * 3600


class Api:
    """The endpoints of one sandbox."""

    def __init__(self, ctx: SandboxContext, version: str) -> None:
        self._ctx = ctx
        self._version = version
        self._later: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """Every call, and the answer to any other."""
        known = [Route(f"/v1/{path}", self._endpoint(call), methods=[method]) for (method, path), call in CALLS.items()]
        return [*known, Route("/{rest:path}", self._unknown, methods=["GET", "POST", "DELETE", "PUT", "PATCH"])]

    def ledger(self, account: str, random: Random | None = None) -> Ledger:
        """An account's ledger."""
        identity = self._ctx.accounts.get(account) or {}
        return Ledger(self._ctx, account, identity, self._version, random or self._ctx.random)

    async def aclose(self) -> None:
        """Wait for what failed calls leave behind."""
        await asyncio.gather(*self._later, return_exceptions=True)

    def _endpoint(self, call: Call) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            id_ = f"req_{self._ctx.random.getrandbits(80):020x}"
            version = request.headers.get("stripe-version", self._version)
            try:
                response = self._admitted(call, request, await request.body(), version, id_)
            except StripeError as error:
                response = error.response()
            response.headers["request-id"] = response.headers.get("request-id", id_)
            response.headers["stripe-version"] = version
            return response

        return endpoint

    def _admitted(self, call: Call, request: Request, body: bytes, version: str, id_: str) -> Response:
        account = self.caller(request)
        if not VERSION.fullmatch(version):
            raise StripeError(f"Invalid Stripe API version: {version}")
        writes = request.method != "GET"
        if not self._ctx.limits.admit(account, "writes per second" if writes else "reads per second"):
            return rate_limited()
        key = request.headers.get("idempotency-key")
        if key is None or request.method != "POST":
            return self._run(call, request, body, self._ledger(account, version, id_, key))
        return self._once(call, request, body, self._ledger(account, version, id_, key), key)

    def caller(self, request: Request) -> str:
        """The account of the key in the request.

        Raises:
            StripeError: no key, or one of nobody.
        """
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        key = given.strip() if scheme.lower() == "bearer" else basic_user(given) if scheme.lower() == "basic" else ""
        if not key:
            message = "You did not provide an API key. You need to provide your API key in the Authorization header."
            raise StripeError(message, status=401)
        account = self._ctx.accounts.find("client_secret", key)
        if account is None:
            raise StripeError(f"Invalid API Key provided: {key[:8]}****", status=401)
        return account

    def _ledger(self, account: str, version: str, id_: str, key: str | None) -> Ledger:
        ledger = self.ledger(account)
        ledger.version, ledger.request = version, {"id": id_, "idempotency_key": key}
        return ledger

    def _once(self, call: Call, request: Request, body: bytes, ledger: Ledger, key: str) -> Response:
        """Answer a known key with its first answer; keep the answer of a new one, errors of a carried out call too."""
        if len(key) > KEY_LENGTH:
            raise StripeError(f"Idempotency keys may have at most {KEY_LENGTH} characters.", type_="idempotency_error")
        name, now = f"idempotency/{key}", int(self._ctx.clock.now().timestamp())
        print_ = sha256(f"{request.method} {request.url.path} ".encode() + body).hexdigest()
        faults, where = self._ctx.faults, (ledger.account, request.method, request.url.path)
        kept = self._ctx.database.value(ledger.account, name)
        if faults.take("ignore_requestid", *where) or (kept and faults.take("forget_requestid", *where)):
            kept = None
        if kept is not None and now - kept["at"] < KEY_SECONDS:
            if kept["print"] != print_:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with. "
                    f"Try using a key other than '{key}' if you meant to execute a different request."
                )
                raise StripeError(message, type_="idempotency_error")
            replayed = Response(kept["body"], kept["status"], media_type="application/json")
            replayed.headers["idempotent-replayed"] = "true"
            replayed.headers["original-request"] = kept["request"]
        else:
            replayed = self._run(call, request, body, ledger, lambda answer: _keep(ledger, name, now, print_, answer))
        replayed.headers["idempotency-key"] = key
        return replayed

    def _run(
        self,
        call: Call,
        request: Request,
        body: bytes,
        ledger: Ledger,
        keep: Callable[[Response], None] = lambda _answer: None,
    ) -> Response:
        params = forms.parse(request.url.query)
        if request.method != "GET":
            params |= forms.parse(body.decode("utf-8", "replace"))
        try:
            answer = call(ledger, request.path_params.get("id", ""), params)
            response: Response = Json(expanded(ledger, shown(answer), params))
        except StripeError as error:
            response = error.response()
            if ledger.aftermath:  # execution had begun
                fresh = self._ledger(ledger.account, ledger.version, str(ledger.request["id"]), None)
                self._afterwards(fresh, [*ledger.aftermath, lambda _ledger: keep(response)])
            return response
        keep(response)
        hooks.publish(ledger)
        return response

    def _afterwards(self, ledger: Ledger, steps: list[Callable[[Ledger], None]]) -> None:
        """Carry out what a refused call leaves behind, once its own transaction is rolled back."""

        async def carry_out() -> None:
            async with self._ctx.database.transaction():
                for step in steps:
                    step(ledger)
                hooks.publish(ledger)

        task = asyncio.create_task(carry_out())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def _unknown(self, request: Request) -> Response:
        message = f"Unrecognized request URL ({request.method}: {request.url.path})."
        return StripeError(message, status=404).response()


def _keep(ledger: Ledger, name: str, now: int, print_: str, answer: Response) -> None:
    kept: dict[str, Any] = {"at": now, "print": print_, "status": answer.status_code}
    kept |= {"body": bytes(answer.body).decode(), "request": ledger.request["id"]}
    ledger.ctx.database.set_value(ledger.account, name, kept)


def basic_user(encoded: str) -> str:
    """The user of a Basic header, where Stripe takes its key as well."""
    try:
        return base64.b64decode(encoded).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""
