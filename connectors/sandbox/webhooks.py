"""Outgoing webhooks: one queue per account on disk, sent in order, retried until acknowledged."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
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
"""(body, secret) -> headers that prove where the body comes from."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """Where an account's webhooks go; `schedule` in seconds overrides the vendor's waits between attempts."""

    url: str
    secret: str
    schedule: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Delivery:
    id: int
    body: bytes
    headers: dict[str, str]
    attempts: int
    due: float


class Webhooks:
    """Queues in a request's transaction, sends from a task per account.

    A delivery that fails holds back the later ones of its account. Subscriptions outlive `reset`.
    """

    def __init__(self, database: Database, clock: Clock, faults: Faults) -> None:
        self._database = database
        self._clock = clock
        self._faults = faults
        self._sign: Sign = lambda _body, _secret: {}
        self._schedule: tuple[float, ...] = (1.0,)
        self._client: httpx.AsyncClient | None = None
        self._senders: dict[tuple[str, bool], asyncio.Task[None]] = {}
        self.delivered: dict[str, int] = {}

    def declare(self, sign: Sign, schedule: Sequence[float]) -> None:
        """Name the vendor's signature and waits; the last wait repeats for ever."""
        self._sign = sign
        self._schedule = tuple(schedule)

    def subscribe(self, account: str, subscription: Subscription | None) -> None:
        """Set or, with None, end the delivery of an account's webhooks.

        What is queued goes to the new address at once.
        """
        value = None
        if subscription is not None:
            value = {"url": subscription.url, "secret": subscription.secret, "schedule": subscription.schedule}
        self._database.set_value(_key(account), SUBSCRIPTION, value)
        self._database.execute("UPDATE deliveries SET due=0 WHERE account=? AND aside=0", (account,))
        self._database.after_commit(lambda: self._restart(account))

    def subscription(self, account: str) -> Subscription | None:
        """The subscription of an account, or None."""
        value = self._database.value(_key(account), SUBSCRIPTION)
        if value is None:
            return None
        schedule = value["schedule"]
        return Subscription(value["url"], value["secret"], tuple(map(float, schedule)) if schedule else None)

    def enqueue(self, account: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a body once the open transaction is committed; nothing happens without a subscription."""
        if self.subscription(account) is None or self._faults.take("lost_webhook", account):
            return
        late = self._faults.take("late_webhook", account)
        due = self._clock.now().timestamp() + late.seconds if late else 0.0
        copies = 2 if self._faults.take("duplicate_webhook", account) else 1
        for _ in range(copies):
            self._database.execute(
                "INSERT INTO deliveries(account, body, headers, due, aside) VALUES (?,?,?,?,?)",
                (account, body, dumps(dict(headers)), due, int(late is not None)),
            )
        self._database.after_commit(lambda: self._wake(account))

    def pending(self, account: str) -> int:
        """How many deliveries wait."""
        return int(self._database.execute("SELECT count(*) FROM deliveries WHERE account=?", (account,))[0][0])

    def as_json(self, account: str) -> dict[str, Any]:
        """Subscription and figures of one account."""
        found = self.subscription(account)
        return {
            "account": account,
            "url": found.url if found else None,
            "pending": self.pending(account),
            "delivered": self.delivered.get(account, 0),
        }

    def start(self) -> None:
        """Begin to send, with what an earlier process left in the queue."""
        self._client = httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False)
        for (account,) in self._database.execute("SELECT DISTINCT account FROM deliveries"):
            self._wake(account)

    async def aclose(self) -> None:
        """Stop sending; the queue stays on disk."""
        senders = list(self._senders.values())
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    def _restart(self, account: str) -> None:
        sender = self._senders.pop((account, False), None)
        if sender is not None:
            sender.cancel()
        self._wake(account)

    def _wake(self, account: str) -> None:
        # Late deliveries have a sender of their own, so that the ones behind them overtake.
        for aside in (False, True):
            running = self._senders.get((account, aside))
            if (running is None or running.done()) and self._head(account, aside=aside) and self._client:
                self._senders[account, aside] = asyncio.create_task(self._send_all(self._client, account, aside=aside))

    def _head(self, account: str, *, aside: bool) -> _Delivery | None:
        rows = self._database.execute(
            "SELECT id, body, headers, attempts, due FROM deliveries WHERE account=? AND aside=? ORDER BY id LIMIT 1",
            (account, int(aside)),
        )
        if not rows:
            return None
        id_, body, headers, attempts, due = rows[0]
        return _Delivery(id_, body, loads(headers), attempts, due)

    async def _send_all(self, client: httpx.AsyncClient, account: str, *, aside: bool) -> None:
        while delivery := self._head(account, aside=aside):
            subscription = self.subscription(account)
            if subscription is None:
                return
            wait = delivery.due - self._clock.now().timestamp()
            if wait > 0:
                await self._clock.sleep(wait)
            acknowledged = await self._post(client, subscription, delivery)
            async with self._database.transaction():
                self._settle(account, subscription, delivery, acknowledged=acknowledged)

    async def _post(self, client: httpx.AsyncClient, subscription: Subscription, delivery: _Delivery) -> bool:
        headers = {"content-type": "application/json", **delivery.headers}
        headers.update(self._sign(delivery.body, subscription.secret))
        try:
            answer = await client.post(subscription.url, content=delivery.body, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            log.debug("webhook to %s failed: %r", subscription.url, error)
            return False
        return answer.is_success

    def _settle(self, account: str, to: Subscription, delivery: _Delivery, *, acknowledged: bool) -> None:
        if acknowledged:
            self._database.execute("DELETE FROM deliveries WHERE id=?", (delivery.id,))
            self.delivered[account] = self.delivered.get(account, 0) + 1
            return
        schedule = to.schedule or self._schedule
        wait = schedule[min(delivery.attempts, len(schedule) - 1)]
        due = self._clock.now().timestamp() + wait
        self._database.execute("UPDATE deliveries SET attempts=attempts+1, due=? WHERE id=?", (due, delivery.id))


def _key(account: str) -> str:
    return f"webhooks/{account}"
