"""A process of one application: the Faust app with its agent, the log, the watchdog, signals and a deadline to stop."""

import os
import threading
from pathlib import Path
from signal import Signals
from typing import NoReturn

import faust
from faust.app.base import BootStrategy
from mode import Service

from streams.runtime import memory
from streams.runtime.exits import FAULT
from streams.runtime.feed import Chunk
from streams.runtime.guard import Handler
from streams.runtime.log import Log
from streams.runtime.watchdog import Watchdog

STOPPED_SECONDS = 0.5


class NoKafka(BootStrategy):
    """Keeps Faust's own Kafka clients off (Faust's documented seam); `Log` reads and `Shard` writes."""

    enable_kafka = False


class App(faust.App):
    """A Faust app whose agents read channels that `Log` feeds."""

    BootStrategy = NoKafka


def make_app(name: str, state_dir: Path) -> App:
    """Return the Faust app of a role; its web server, which would bind to every address, stays off.

    Args:
        name: of the application.
        state_dir: this process's own; Faust insists on a folder, though it keeps nothing there.
    """
    return App(
        name,
        broker="kafka://unused",
        datadir=state_dir / "faust",
        web_enabled=False,
        stream_wait_empty=False,
        version=1,
    )


def attach(app: App, log: Log, handler: Handler) -> None:
    """Declare the agent that runs `handler` over the log's chunks."""

    async def agent(stream: faust.StreamT[Chunk]) -> None:
        async for chunk in stream:
            await log.process(chunk, handler)

    app.agent(log.channel, name=f"{app.conf.id}.agent")(agent)


class Process(Service):
    """What runs beside the agent: watchdog, the role's own services, and the log last, so that it starts last.

    Args:
        log: of the application.
        watchdog: over it.
        services: the role's own; started first, stopped last.
    """

    def __init__(self, log: Log, watchdog: Watchdog, services: tuple[Service, ...]) -> None:
        super().__init__()
        self._log = log
        self._watchdog = watchdog
        self._services = services

    async def on_start(self) -> None:
        """Start everything in order."""
        self._watchdog.start()
        for service in (*self._services, self._log):
            await self.add_runtime_dependency(service)


class Worker(faust.Worker):
    """Faust's worker, with logging as we set it up and a stop that cannot hang."""

    exit_code = FAULT

    def _setup_logging(self) -> None:
        """Leave logging alone."""

    def _schedule_shutdown(self, signal: Signals) -> None:
        """Note that the end was asked for."""
        self.exit_code = 0
        super()._schedule_shutdown(signal)

    async def on_shutdown(self) -> None:
        """End the process soon: with the log stopped nothing is left to lose, and Faust's own shutdown may hang."""
        await super().on_shutdown()
        deadline = threading.Timer(STOPPED_SECONDS, os._exit, [self.exit_code])
        deadline.daemon = True
        deadline.start()


def run(app: App, log: Log, stall_seconds: float, *services: Service) -> NoReturn:
    """Run the process until a signal; never returns.

    Args:
        app: with its agent attached.
        log: that feeds it.
        stall_seconds: for the watchdog.
        services: the role's own.
    """
    process = Process(log, Watchdog(log, stall_seconds), services)
    memory.settle()
    Worker(app, process, quiet=True, redirect_stdouts=False, console_port=0).execute_from_commandline()
