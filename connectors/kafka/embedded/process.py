"""Child processes that are asked whether they are ready, and that never outlive their parent."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from connectors.kafka.embedded.errors import StartError
from connectors.kafka.embedded.probe import answers

_GUARDIAN = Path(__file__).with_name("guardian.py")
_ASK_EVERY = 0.05
_LOG_TAIL = 15
_LOG_BYTES = 20_000_000


@dataclass(frozen=True, slots=True)
class Program:
    """How to run one process.

    It is ready when every address in `ready` answers (see `probe.answers`). `env` is added to our own. `grace` is how
    many seconds lie between SIGTERM and SIGKILL, `start_within` how many it may take until it is ready.
    """

    name: str
    argv: Sequence[str]
    log: Path
    ready: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    grace: float = 10.0
    start_within: float = 60.0


class Child:
    """A running program; `pid` is its own (not its guardian's), and leads its process group."""

    def __init__(self, program: Program, guardian: asyncio.subprocess.Process, pid: int) -> None:
        self.program = program
        self.pid = pid
        self._guardian = guardian
        self._ended = asyncio.create_task(self._follow())

    @classmethod
    async def spawn(cls, program: Program) -> Self:
        """Start the program and return at once; its output is appended to its log."""
        _rotate(program.log)
        guardian = await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-S", str(_GUARDIAN), str(program.grace), str(program.log), *program.argv,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,  # Ctrl-C in the terminal is for the parent, which stops its children in order
            env={**os.environ, **program.env},
        )  # fmt: skip
        try:
            word, pid = await _told(guardian)
        except asyncio.CancelledError:
            _release(guardian)
            raise
        if word != "pid":
            raise StartError(f"{program.name}: its guardian process did not start")
        return cls(program, guardian, pid)

    async def _follow(self) -> int:
        word, code = await _told(self._guardian)
        await self._guardian.wait()
        return code if word == "exit" else -signal.SIGKILL

    @property
    def ended(self) -> bool:
        """Whether the process is gone."""
        return self._ended.done()

    async def wait(self) -> int:
        """Wait for its end and return the exit code; negative is the signal that ended it."""
        return await asyncio.shield(self._ended)

    async def stop(self) -> int:
        """SIGTERM, SIGKILL after the program's grace; returns the exit code once nothing of it is left."""
        _release(self._guardian)
        return await self.wait()

    async def until_ready(self) -> None:
        """Ask until it is ready.

        Raises:
            StartError: it ended before, or took longer than `start_within`; it has been stopped then.
        """
        program = self.program
        try:
            await asyncio.wait_for(self._ask(), program.start_within)
        except TimeoutError:
            await self.stop()
            raise StartError(
                f"{program.name} was not ready within {program.start_within:.0f} s. {tail(program.log)}"
            ) from None
        except BaseException:
            await self.stop()
            raise

    async def _ask(self) -> None:
        while not self.ended:
            if all([await answers(url) for url in self.program.ready]):
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.wait(), _ASK_EVERY)
        code = await self.wait()
        raise StartError(f"{self.program.name} ended with {code} before it was ready. {tail(self.program.log)}")


async def _told(guardian: asyncio.subprocess.Process) -> tuple[str, int]:
    """Return the guardian's next line, a word and a number; `("", 0)` if it is gone."""
    assert guardian.stdout is not None  # noqa: S101  asked for in spawn
    word, _, number = (await guardian.stdout.readline()).decode().partition(" ")
    return word, int(number or 0)


def _release(guardian: asyncio.subprocess.Process) -> None:
    """Have the guardian stop its command."""
    assert guardian.stdin is not None  # noqa: S101  asked for in spawn
    guardian.stdin.close()


async def start(program: Program) -> Child:
    """Start the program and wait until it is ready.

    Raises:
        StartError: see `Child.until_ready`.
    """
    child = await Child.spawn(program)
    await child.until_ready()
    return child


async def run(program: Program) -> None:
    """Run a program that ends by itself.

    Raises:
        StartError: it ended with another code than 0, or took longer than `start_within`.
    """
    child = await Child.spawn(program)
    try:
        code = await asyncio.wait_for(child.wait(), program.start_within)
    except TimeoutError:
        raise StartError(f"{program.name} took more than {program.start_within:.0f} s. {tail(program.log)}") from None
    finally:
        await child.stop()
    if code:
        raise StartError(f"{program.name} ended with {code}. {tail(program.log)}")


def _rotate(log: Path) -> None:
    """Begin a new log when the old one is large; one old one is kept."""
    log.parent.mkdir(parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path) -> str:
    """Return the last lines of a log, introduced by its path, for an error message."""
    lines = log.read_text(errors="replace").splitlines()[-_LOG_TAIL:] if log.exists() else []
    return "\n".join([f"The last lines of {log}:", *(f"  {line}" for line in lines)])
