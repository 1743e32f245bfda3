"""Outgoing webhooks: a queue on disk for each address of an account, sent in order, retried as the vendor does."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx

from connectors.sandbox.clock import Clock
from connectors.sandbox.database import Database
from connectors.sandbox.faults import Faults
from connectors.sandbox.json_text import dumps, loads

TIMEOUT_SECONDS = 3.0
SUBSCRIPTION = "subscription"
log = logging.getLogger(__name__)

Sign = Callable[[bytes, str], Mapping[str, str]]
"""(body, secret) -> headers that prove where the body comes from; asked at every attempt."""
Settled = Callable[[str, str, bool], None]
"""(account, hook, acknowledged): an attempt has ended; called in a transaction."""


@cache
def _authorities() -> ssl.SSLContext:
    """Return whom receivers' certificates may be from; read once, as all vendors of a process send."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where webhooks go; `schedule` in seconds overrides the vendor's waits between attempts."""

    url: str
    secret: str
    schedule: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Lane:
    """Deliveries that are sent one after the other. Late ones are aside, so that the ones behind them overtake."""

    account: str
    hook: str
    aside: bool


@dataclass(frozen=True, slots=True)
class _Delivery:
    id: int
    body: bytes
    headers: dict[str, str]
    attempts: int
    due: float


class Webhooks:
    """Queues in a request's transaction, sends from a task per lane.

    An account has the subscription that its admin set, hook `""`, and those its users made through the vendor's API,
    each under a hook name of its own. A delivery that fails holds back the later ones of its hook, unless the vendor
    is declared `unordered`. The admin's subscription outlives `reset`.
    """

    def __init__(self, database: Database, clock: Clock, faults: Faults) -> None:
        self._database = database
        self._clock = clock
        self._faults = faults
        self._sign: Sign = lambda _body, _secret: {}
        self._settled: Settled = lambda _account, _hook, _acknowledged: None
        self._success = range(200, 300)
        self._schedule: tuple[float, ...] = (1.0,)
        self._gives_up = False
        self._unordered = False
        self._client: httpx.AsyncClient | None = None
        self._senders: dict[_Lane, asyncio.Task[None]] = {}
        self.delivered: dict[str, int] = {}

    def declare(
        self,
        sign: Sign,
        schedule: Sequence[float],
        *,
        gives_up: bool = False,
        unordered: bool = False,
        success: range | None = None,
        settled: Settled | None = None,
    ) -> None:
        """Name the vendor's signature and waits; the last wait repeats for ever unless the vendor `gives_up`.

        `success` holds the statuses that acknowledge, by default 200 to 299.
        """
        self._sign = sign
        self._schedule = tuple(schedule)
        self._gives_up, self._unordered = gives_up, unordered
        self._success = success or self._success
        self._settled = settled or self._settled

    def subscribe(self, account: str, subscription: Subscription | None, hook: str = "") -> None:
        """Set or, with None, end the delivery of an account's webhooks to one hook.

        What is queued goes to the new address at once.
        """
        value = None
        if subscription is not None:
            value = {"url": subscription.url, "secret": subscription.secret, "schedule": subscription.schedule}
        self._database.set_value(*_key(account, hook), value)
        self._database.execute("UPDATE deliveries SET due=0 WHERE account=? AND hook=? AND aside=0", (account, hook))
        self._database.after_commit(lambda: self._restart(account, hook))

    def subscription(self, account: str, hook: str = "") -> Subscription | None:
        """One subscription of an account, or None."""
        value = self._database.value(*_key(account, hook))
        if value is None:
            return None
        schedule = value["schedule"]
        return Subscription(value["url"], value["secret"], None if schedule is None else tuple(map(float, schedule)))

    def enqueue(self, account: str, body: bytes, headers: Mapping[str, str], hook: str = "") -> None:
        """Send a body once the open transaction is committed; nothing happens without a subscription."""
        if self.subscription(account, hook) is None or self._faults.take("lost_webhook", account):
            return
        late = self._faults.take("late_webhook", account)
        due = self._clock.now().timestamp() + late.seconds if late else 0.0
        copies = 2 if self._faults.take("duplicate_webhook", account) else 1
        for _ in range(copies):
            self._database.execute(
                "INSERT INTO deliveries(account, hook, body, headers, due, aside) VALUES (?,?,?,?,?,?)",
                (account, hook, body, dumps(dict(headers)), due, int(late is not None)),
            )
        self._database.after_commit(lambda: self._wake(account, hook))

    def pending(self, account: str) -> int:
        """How many deliveries wait, over all hooks."""
        return int(self._database.execute("SELECT count(*) FROM deliveries WHERE account=?", (account,))[0][0])

    def as_json(self, account: str) -> dict[str, Any]:
        """The admin's subscription and figures of one account."""
        found = self.subscription(account)
        return {
            "account": account,
            "url": found.url if found else None,
            "pending": self.pending(account),
            "delivered": self.delivered.get(account, 0),
        }

    def start(self) -> None:
        """Begin to send, with what an earlier process left in the queue."""
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False, verify=_authorities())
        for account, hook in self._database.execute("SELECT DISTINCT account, hook FROM deliveries"):
            self._wake(account, hook)

    async def aclose(self) -> None:
        """Stop sending; the queue stays on disk."""
        senders = list(self._senders.values())
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _restart(self, account: str, hook: str) -> None:
        sender = self._senders.pop(_Lane(account, hook, aside=False), None)
        if sender is not None:
            sender.cancel()
        self._wake(account, hook)

    def _wake(self, account: str, hook: str) -> None:
        for lane in (_Lane(account, hook, aside=False), _Lane(account, hook, aside=True)):
            running = self._senders.get(lane)
            if (running is None or running.done()) and self._head(lane) and self._client:
                self._senders[lane] = asyncio.create_task(self._send_all(self._client, lane))

    def _head(self, lane: _Lane) -> _Delivery | None:
        order = "due, id" if lane.aside else "id"
        rows = self._database.execute(
            "SELECT id, body, headers, attempts, due FROM deliveries "  # noqa: S608 - constant order
            f"WHERE account=? AND hook=? AND aside=? ORDER BY {order} LIMIT 1",
            (lane.account, lane.hook, int(lane.aside)),
        )
        if not rows:
            return None
        id_, body, headers, attempts, due = rows[0]
        return _Delivery(id_, body, loads(headers), attempts, due)

    async def _send_all(self, client: httpx.AsyncClient, lane: _Lane) -> None:
        while delivery := self._head(lane):
            subscription = self.subscription(lane.account, lane.hook)
            if subscription is None:
                return
            wait = delivery.due - self._clock.now().timestamp()
            if wait > 0:
                await self._clock.sleep(wait)
            acknowledged = await self._post(client, subscription, delivery)
            async with self._database.transaction():
                self._settle(lane, subscription, delivery, acknowledged=acknowledged)

    async def _post(self, client: httpx.AsyncClient, subscription: Subscription, delivery: _Delivery) -> bool:
        headers = {"content-type": "application/json", **delivery.headers}
        headers.update(self._sign(delivery.body, subscription.secret))
        try:
            answer = await client.post(subscription.url, content=delivery.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.debug("webhook to %s failed: %r", subscription.url, error)
            return False
        return answer.status_code in self._success

    def _settle(self, lane: _Lane, to: Subscription, delivery: _Delivery, *, acknowledged: bool) -> None:
        schedule = self._schedule if to.schedule is None else to.schedule
        if acknowledged:
            self.delivered[lane.account] = self.delivered.get(lane.account, 0) + 1
        if acknowledged or (self._gives_up and delivery.attempts >= len(schedule)):
            self._database.execute("DELETE FROM deliveries WHERE id=?", (delivery.id,))
        else:
            wait = schedule[min(delivery.attempts, len(schedule) - 1)]
            due = self._clock.now().timestamp() + wait
            aside = int(lane.aside or self._unordered)
            self._database.execute(
                "UPDATE deliveries SET attempts=attempts+1, due=?, aside=? WHERE id=?", (due, aside, delivery.id)
            )
            self._database.after_commit(lambda: self._wake(lane.account, lane.hook))
        self._settled(lane.account, lane.hook, acknowledged)


def _key(account: str, hook: str) -> tuple[str, str]:
    """Where a subscription is kept; what users made goes with the account's data."""
    return (account, f"{SUBSCRIPTION}/{hook}") if hook else (f"webhooks/{account}", SUBSCRIPTION)
