"""Where the two Faust applications are put together from their parts.

Each loads only its own: what the other is made of takes seconds to import.
"""

import asyncio
import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, NoReturn

from mode import Service

from connectors.clock import SystemClock
from connectors.kafka.client import client_config
from connectors.kafka.codec import Codec
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import (
    CANONICAL,
    CHANGES,
    COMMAND,
    CONNECT_STATE,
    CONNECTION,
    INBOX,
    JOURNAL,
    REPLY,
    REVIEW,
    TRANSFORM_STATE,
    Topic,
)
from connectors.ports import Tools
from streams import metrics
from streams.connections import Directory
from streams.http import Probes
from streams.logs import set_up
from streams.runtime.breaker import BreakerRule
from streams.runtime.broker import Application, Broker
from streams.runtime.guard import Guard
from streams.runtime.log import Log, LogOptions
from streams.runtime.slots import Slot
from streams.runtime.worker import App, attach, make_app, run
from streams.settings import Settings

if TYPE_CHECKING:
    from streams.agents.connect import Connect

TRANSFORM = Application("transform", INBOX.name, TRANSFORM_STATE.name)
CONNECT = Application("connect", COMMAND.name, CONNECT_STATE.name)


class Beside(Service):
    """A part with `start` and `stop` as a Faust service."""

    def __init__(self, part: Probes | Directory) -> None:
        super().__init__()
        self._part = part

    async def on_start(self) -> None:
        """Start the part; the directory is waited for."""
        await self._part.start()
        if isinstance(self._part, Directory):
            await self._part.wait_ready()

    async def on_stop(self) -> None:
        """Stop the part."""
        await self._part.stop()


def transform(settings: Settings) -> NoReturn:
    """Run the transform application until a signal.

    Raises:
        FatalError, RetryableError, KafkaException: it cannot start; says why.
    """
    from streams.agents.transform import Transform  # noqa: PLC0415  see above
    from streams.stages.mapping import SHIPPED, Templates  # noqa: PLC0415
    from streams.stages.pipeline import Pipeline  # noqa: PLC0415

    codec, broker = _open(
        settings, TRANSFORM, [*CANONICAL.values(), CHANGES, COMMAND, TRANSFORM_STATE, JOURNAL, REVIEW, REPLY]
    )
    templates = Templates.load(SHIPPED)
    pipeline = Pipeline(codec, templates, lambda vendor, object_type: metrics.UNREAD.labels(vendor, object_type).inc())
    handler = Transform(pipeline, codec, broker.partitions)
    app, log = _log(settings, broker, codec)
    probes = Probes(settings.host, settings.ports.transform_metrics, "SLUICEWAY_PORTS__TRANSFORM_METRICS", log.problems)
    attach(app, log, handler)
    run(app, log, settings.runtime.stall_seconds, Beside(probes))


def connect(settings: Settings) -> NoReturn:
    """Run the connect application until a signal.

    Raises:
        FatalError, RetryableError, KafkaException: it cannot start; says why.
    """
    from streams.agents.connect import Connect  # noqa: PLC0415  see above
    from streams.agents.lag import Lag  # noqa: PLC0415
    from streams.agents.pool import Pool  # noqa: PLC0415
    from streams.delivery.tools import DeliveryTools  # noqa: PLC0415
    from streams.tokens import open_tokens  # noqa: PLC0415

    codec, broker = _open(settings, CONNECT, [INBOX, JOURNAL, REVIEW, REPLY, CONNECTION, CONNECT_STATE])
    directory = Directory(settings.kafka, codec)
    clock = SystemClock()
    pool = Pool(directory, Tools(clock, open_tokens(settings), frozenset(settings.allow_hosts)))
    tools = DeliveryTools(codec, clock, pool.get, directory, random.SystemRandom(), broker.partitions)
    inbox = Lag(client_config(settings.kafka, "connect"), TRANSFORM.name, INBOX.name, broker.partitions)
    agent = Connect(tools, codec, directory, inbox.seconds)
    directory.follow(agent.changed)
    app, log = _log(settings, broker, codec, agent)
    probes = Probes(
        settings.host,
        settings.ports.connect_metrics,
        "SLUICEWAY_PORTS__CONNECT_METRICS",
        lambda: [*log.problems(), *([directory.problem] if directory.problem else [])],
    )
    attach(app, log, agent)
    run(app, log, settings.runtime.stall_seconds, Beside(probes), Beside(directory), inbox)


def _open(settings: Settings, application: Application, written: Sequence[Topic]) -> tuple[Codec, Broker]:
    """Connect to registry and brokers."""
    set_up(settings.log_level)
    ids = RegistryIds(settings.registry)
    asyncio.run(ids.warm(written))
    connection = client_config(settings.kafka, application.name)
    broker = Broker(application, connection, settings.runtime.transaction_timeout_ms)
    broker.connect()
    return Codec(ids), broker


def _log(settings: Settings, broker: Broker, codec: Codec, agent: "Connect | None" = None) -> tuple[App, Log]:
    name, runtime = broker.application.name, settings.runtime
    guard = Guard(name, codec, broker.partitions, runtime.max_record_bytes)
    state_dir = Slot.take(settings.data_dir / "state" / name).path
    options = LogOptions(
        state_dir,
        runtime.max_chunk,
        runtime.chunk_seconds,
        BreakerRule(runtime.breaker_consecutive, runtime.breaker_ratio, runtime.breaker_window),
        runtime.session_timeout_ms,
    )
    app = make_app(name, state_dir)
    if agent is None:
        return app, Log(app, broker, guard, options)
    return app, Log(app, broker, guard, options, agent.gained, agent.losing, agent.committed)
