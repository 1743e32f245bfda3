"""Child processes: told about, stopped, never left behind."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest

from connectors.kafka.embedded.errors import StartError
from connectors.kafka.embedded.process import Child, Program, run, start
from tests.unit.local.conftest import MakeProgram, gone

FOR_EVER = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)\nwhile 1: signal.pause()"
)
FAMILY = """
import os, signal
if pid := os.fork():
    print(pid, flush=True)
signal.pause()
"""
PARENT = """
import asyncio, sys
from pathlib import Path
from connectors.kafka.embedded.process import Child, Program
async def main():
    child = await Child.spawn(Program("child", sys.argv[2:], Path(sys.argv[1]), grace=1))
    print(child.pid, flush=True)
    await child.wait()
asyncio.run(main())
"""


async def until_logged(program: Program) -> None:
    """Wait for the first line of the program's log."""
    async with asyncio.timeout(10):
        while not (program.log.exists() and program.log.read_text()):  # noqa: ASYNC110  another process writes it
            await asyncio.sleep(0.01)


async def test_stop_ends_it_by_sigterm(python: MakeProgram) -> None:
    """A stopped program has had SIGTERM, and is gone when `stop` returns."""
    child = await start(python("sleeper", FOR_EVER))
    assert await child.stop() == -signal.SIGTERM
    assert not psutil.pid_exists(child.pid)


async def test_a_stubborn_program_is_killed_after_its_grace(python: MakeProgram) -> None:
    """A program that ignores SIGTERM gets SIGKILL."""
    program = python("stubborn", STUBBORN, grace=0.2)
    child = await start(program)
    await until_logged(program)
    assert await child.stop() == -signal.SIGKILL


async def test_its_own_children_end_with_it(python: MakeProgram) -> None:
    """What a program has started itself does not survive it."""
    program = python("family", FAMILY)
    child = await start(program)
    await until_logged(program)
    grandchild = int(program.log.read_text())
    os.kill(child.pid, signal.SIGKILL)
    assert await child.wait() == -signal.SIGKILL
    assert await asyncio.to_thread(gone, grandchild)


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "kill"])
async def test_no_orphan_when_the_parent_ends(tmp_path: Path, end: signal.Signals) -> None:
    """A program ends when its parent does, in whatever way."""
    argv = (sys.executable, "-c", PARENT, str(tmp_path / "log"), sys.executable, "-I", "-S", "-c", FOR_EVER)
    parent = await asyncio.create_subprocess_exec(*argv, stdout=asyncio.subprocess.PIPE)
    assert parent.stdout
    pid = int(await parent.stdout.readline())
    assert psutil.pid_exists(pid)
    parent.send_signal(end)
    await parent.wait()
    assert await asyncio.to_thread(gone, pid)


async def test_no_orphan_when_the_guardian_is_killed(python: MakeProgram) -> None:
    """On Linux the kernel ends the program when its guardian is killed."""
    child = await start(python("sleeper", FOR_EVER))
    guardian = psutil.Process(child.pid).parent()
    assert guardian is not None
    guardian.kill()
    assert await child.wait() == -signal.SIGKILL
    assert await asyncio.to_thread(gone, child.pid)


async def test_ending_early_is_told_with_its_last_words(python: MakeProgram) -> None:
    """A program that ends before it is ready fails with code and log."""
    with pytest.raises(StartError, match=r"(?s)broken ended with 3 before it was ready.*no such luck"):
        await start(python("broken", "import sys; print('no such luck'); sys.exit(3)", ready=("http://127.0.0.1:1/",)))


async def test_an_unknown_command_is_told(tmp_path: Path) -> None:
    """A command that does not exist is named."""
    with pytest.raises(StartError, match="cannot run /no/such"):
        await run(Program("missing", ("/no/such",), tmp_path / "log"))


async def test_not_ready_in_time(python: MakeProgram) -> None:
    """A program that never answers is stopped and reported."""
    program = python("mute", FOR_EVER, ready=("http://127.0.0.1:1/",), start_within=0.3)
    child = await Child.spawn(program)
    with pytest.raises(StartError, match="mute was not ready within"):
        await child.until_ready()
    assert not psutil.pid_exists(child.pid)


async def test_a_failed_one_off_is_told(python: MakeProgram) -> None:
    """`run` accepts exit code 0 only."""
    await run(python("fine", "pass"))
    with pytest.raises(StartError, match="wrong ended with 1"):
        await run(python("wrong", "raise SystemExit(1)"))


async def test_a_large_log_is_put_aside(python: MakeProgram, monkeypatch: pytest.MonkeyPatch) -> None:
    """A log does not grow without end over restarts."""
    monkeypatch.setattr("connectors.kafka.embedded.process._LOG_BYTES", 3)
    program = python("talker", "print('hello')")
    await run(program)
    await run(program)
    assert program.log.with_name("talker.log.1").read_text() == program.log.read_text() == "hello\n"
