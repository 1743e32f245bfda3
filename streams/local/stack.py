"""Starts the steps in order, starts again what exits, stops all in reverse order."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Self

import psutil

from connectors.kafka.embedded.distribution import require_space
from connectors.kafka.embedded.errors import StartError
from connectors.kafka.embedded.process import Child, run
from streams.local.checks import remove_leftovers, require_ports
from streams.local.environment import environment
from streams.local.plan import Say, Step, names, plan, select
from streams.local.state import READY, STOPPING, ServiceState, StateFile
from streams.settings import Settings

_FIRST_BACK_OFF = 0.5
_LONGEST_BACK_OFF = 10.0
_STEADY_SECONDS = 60.0


class Stack:
    """A local stack; use it as `async with Stack.running(...)`. `services` is its live record of every process."""

    def __init__(self, steps: Sequence[Step], file: StateFile, say: Say) -> None:
        self.services = {step.name: ServiceState(step.name, step.address) for step in steps if step.lasting}
        self._steps = steps
        self._file = file
        self._say = say
        self._ready = {step.name: asyncio.Event() for step in steps}
        self._children: dict[str, Child] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._state = file.new(list(self.services.values()))

    @classmethod
    @contextlib.asynccontextmanager
    async def running(cls, settings: Settings, only: Collection[str] = (), say: Say = print) -> AsyncIterator[Self]:
        """Start everything, or the steps named in `only`; all of it is ready inside, and stopped afterwards.

        Raises:
            LocalError: it runs already, a port is taken, a name is unknown.
            EmbeddedError: the disk is full, a server cannot be installed, a step did not become ready.
        """
        file = StateFile(settings.data_dir)
        with file.owned():
            await remove_leftovers(file.read(), say)
            require_space(settings.data_dir)
            only = only or names(settings)
            steps = select(plan(settings, environment(settings, only), say), only)
            require_ports(steps, settings.host)
            async with cls.of(steps, file, say) as stack:
                yield stack

    @classmethod
    @contextlib.asynccontextmanager
    async def of(cls, steps: Sequence[Step], file: StateFile, say: Say) -> AsyncIterator[Self]:
        """Start these steps, prerequisites first; all are ready inside, and stopped afterwards."""
        stack = cls(steps, file, say)
        try:
            await stack._start()
            yield stack
        finally:
            await stack._stop()

    async def watch(self) -> None:
        """Keep everything running until cancelled; raises only for an error of our own."""
        await asyncio.gather(*self._watchers)

    async def _start(self) -> None:
        self._file.write(self._state)
        try:
            async with asyncio.TaskGroup() as group:
                for step in self._steps:
                    group.create_task(self._bring_up(step))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        self._state.phase = READY
        self._file.write(self._state)

    async def _bring_up(self, step: Step) -> None:
        for name in step.after:
            await self._ready[name].wait()
        began = time.monotonic()
        program = await step.prepare()
        if step.lasting:
            self.services[step.name].log = str(program.log)
            self.services[step.name].ready_urls = program.ready
            await self._spawn(step.name, await Child.spawn(program))
            self._watchers.append(asyncio.create_task(self._keep(step.name)))
        else:
            await run(program)
        self._ready[step.name].set()
        self._say(f"{step.name}: {'ready' if step.lasting else 'done'} after {time.monotonic() - began:.1f} s")

    async def _spawn(self, name: str, child: Child) -> None:
        """Take a new process into the books and wait until it is ready."""
        self._children[name] = child
        service = self.services[name]
        service.pid = child.pid
        with contextlib.suppress(psutil.NoSuchProcess):
            service.created = psutil.Process(child.pid).create_time()
        self._file.write(self._state)
        await child.until_ready()

    async def _keep(self, name: str) -> None:
        """Start a process again whenever it ends; roles end on purpose when in doubt."""
        back_off = _FIRST_BACK_OFF
        while True:
            child = self._children[name]
            began = time.monotonic()
            code = await child.wait()
            service = self.services[name]
            service.pid = service.created = None
            service.restarts += 1
            self._file.write(self._state)
            if time.monotonic() - began > _STEADY_SECONDS:
                back_off = _FIRST_BACK_OFF
            self._say(f"{name}: ended with {code}, starts again in {back_off:.1f} s; see {child.program.log}")
            await asyncio.sleep(back_off)
            back_off = min(2 * back_off, _LONGEST_BACK_OFF)
            with contextlib.suppress(StartError):
                await self._spawn(name, await Child.spawn(child.program))

    async def _stop(self) -> None:
        """Stop what runs, each before what it needs; then forget the run."""
        self._state.phase = STOPPING
        self._file.write(self._state)
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        stopped = {step.name: asyncio.Event() for step in self._steps}

        async def stop(step: Step) -> None:
            for other in self._steps:
                if step.name in other.after:
                    await stopped[other.name].wait()
            if step.name in self._children:
                await self._children[step.name].stop()
            stopped[step.name].set()

        await asyncio.gather(*(stop(step) for step in self._steps))
        self._file.clear()
