"""The gateway as a process: wiring, readiness, and an end that answers what is under way."""

import asyncio
import logging
import signal
from collections.abc import Sequence
from functools import partial

from starlette.applications import Starlette

from connectors.catalogue import VENDORS
from connectors.clock import SystemClock
from connectors.kafka.admin import require_partitions
from connectors.kafka.codec import Codec
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import CONNECTION, INBOX, REPLY
from connectors.ports import Tools
from streams import connecting
from streams.connections import Directory
from streams.gateway import openapi
from streams.gateway.api import Requests
from streams.gateway.consent import Callback
from streams.gateway.events import Events
from streams.gateway.inbox import Inbox
from streams.gateway.keys import ApiKeys
from streams.gateway.origin import trusted_proxies
from streams.gateway.replies import Replies
from streams.gateway.secrets import WebhookSecrets
from streams.gateway.seen import Seen
from streams.gateway.webhooks import Webhooks
from streams.http import HttpServer, Probes, probe_routes
from streams.logs import set_up
from streams.settings import Settings
from streams.stages.mapping import SHIPPED, Templates
from streams.tokens import open_tokens

logger = logging.getLogger(__name__)


class Gateway:
    """Takes webhooks for every connected company.

    Args:
        settings: checked.
    """

    def __init__(self, settings: Settings) -> None:
        self._ids = RegistryIds(settings.registry)
        codec = Codec(self._ids)
        clock = SystemClock()
        self._inbox = Inbox(settings.kafka, codec)
        self._directory = Directory(settings.kafka, codec)
        self._tokens = open_tokens(settings)
        self._replies = Replies(settings.kafka, codec)
        self._seen = Seen(settings.data_dir / "deliveries", clock)
        keys = ApiKeys(self._tokens, clock)
        requests = Requests(keys, self._inbox, self._replies, clock)
        shipped = Templates.load(SHIPPED)
        events = Events(keys, self._directory.get, shipped, self._inbox, self._seen, clock)
        webhooks = Webhooks(
            VENDORS,
            self._directory,
            WebhookSecrets(self._tokens, clock),
            self._inbox,
            self._seen,
            trusted_proxies(settings),
            clock,
        )
        tools = Tools(clock, self._tokens, frozenset(settings.allow_hosts))
        put = partial(connecting.put, settings.kafka, codec, self._directory)
        people = Callback(self._directory.get, put, tools)
        documents = openapi.routes(settings.public_url)
        api = [*requests.routes(), *events.routes(), *people.routes(), *documents]
        app = Starlette(routes=[*webhooks.routes(), *api, *probe_routes(self.problems)[:2]])
        ports = settings.ports
        self.http = HttpServer(app, settings.host, ports.gateway, "SLUICEWAY_PORTS__GATEWAY")
        self.probes = Probes(settings.host, ports.gateway_metrics, "SLUICEWAY_PORTS__GATEWAY_METRICS", self.problems)
        self._host = settings.host
        self._kafka = settings.kafka
        self._stopping = False

    def problems(self) -> Sequence[str]:
        """Return why requests are not accepted; nothing: they are."""
        found = (self._directory.problem, self._replies.problem, "stopping" if self._stopping else None)
        return [problem for problem in found if problem is not None]

    async def start(self) -> None:
        """Return when webhooks are accepted.

        Raises:
            FatalError: settings, topics or schemas are not as they must be; says what to do.
            RetryableError, KafkaException: the registry or Kafka does not answer.
        """
        await self.probes.start()
        await self._ids.warm([INBOX, REPLY, CONNECTION])
        await require_partitions(self._kafka, [INBOX, REPLY])
        await asyncio.to_thread(self._seen.load)
        self._inbox.start()
        for follower in (self._directory, self._replies):
            await follower.start()
        for follower in (self._directory, self._replies):
            await follower.wait_ready()
        await self.http.start()

    async def run(self) -> None:
        """Start, and go on until something breaks for good.

        Raises:
            FatalError, RetryableError, KafkaException: as `start`, or Kafka refuses us later.
        """
        await self.start()
        logger.info("webhooks: http://%s:%d/webhooks/<vendor>[/<tenant>]", self._host, self.http.port)
        fatal = (self._inbox.failure(), self._directory.failure(), self._replies.failure())
        broken = [asyncio.create_task(failure) for failure in fatal]
        try:
            await asyncio.wait(broken, return_when=asyncio.FIRST_EXCEPTION)
            await asyncio.gather(*(task for task in broken if task.done()))
        finally:
            for task in broken:
                task.cancel()

    async def stop(self) -> None:
        """Answer what is under way, and end."""
        self._stopping = True
        await self.http.stop()
        await self._inbox.stop()
        await self._directory.stop()
        await self._replies.stop()
        await self._tokens.aclose()
        self._seen.close()
        await self.probes.stop()
        self._ids.close()


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        FatalError, RetryableError, KafkaException: as `Gateway.run`.
    """
    set_up(settings.log_level)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    gateway = Gateway(settings)
    running, told = asyncio.create_task(gateway.run()), asyncio.create_task(ended.wait())
    try:
        await asyncio.wait({running, told}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        told.cancel()
        running.cancel()
        await gateway.stop()
