"""Start in order, start again, stop in reverse."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from connectors.kafka.embedded.errors import StartError
from connectors.kafka.embedded.ports import free_ports
from connectors.kafka.embedded.process import Program
from streams.local.checks import remove_leftovers, require_ports
from streams.local.control import stop
from streams.local.errors import LocalError
from streams.local.plan import Step
from streams.local.stack import Stack
from streams.local.state import ServiceState, StackState, StateFile
from streams.local.status import DOWN, status, table
from tests.unit.local.conftest import MakeProgram, gone

WAIT = "import signal; signal.pause()"
FOLLOWER = """
import signal, time
def end(*_):
    time.sleep(0.3)
    open({path!r}, "a").write({name!r})
    raise SystemExit
signal.signal(signal.SIGTERM, end)
open({path!r}, "a").write({name!r})
signal.pause()
"""

ORPHAN = """
import subprocess as s
print(s.Popen(["sleep", "60"], start_new_session=True, stdout=s.DEVNULL, stderr=s.DEVNULL).pid)
"""

MakeStep = Callable[..., Step]


@pytest.fixture
def step(python: MakeProgram) -> MakeStep:
    """Make a step of Python source."""

    def make(name: str, source: str = WAIT, *after: str, lasting: bool = True, **options: object) -> Step:
        async def prepare() -> Program:
            return python(name, source, **options)

        return Step(name, prepare, after, lasting=lasting)

    return make


async def orphan() -> psutil.Process:
    """Start a process that is nobody's child."""
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", ORPHAN, stdout=asyncio.subprocess.PIPE)
    output, _ = await parent.communicate()
    return psutil.Process(int(output))


async def test_each_starts_after_and_stops_before_what_it_needs(step: MakeStep, tmp_path: Path) -> None:
    """Prerequisites are up first and go last; a one-off has ended before its followers start."""
    trace = tmp_path / "trace"
    base = step("base", FOLLOWER.format(path=str(trace), name="a"))
    once = step("once", f"open({str(trace)!r}, 'a').write('1')", "base", lasting=False)
    top = step("top", FOLLOWER.format(path=str(trace), name="b"), "once", "base")
    async with Stack.of([base, once, top], StateFile(tmp_path), print):
        async with asyncio.timeout(10):
            while trace.read_text() != "a1b":  # noqa: ASYNC110  other processes write it
                await asyncio.sleep(0.01)
    assert trace.read_text() == "a1bba"


async def test_what_exits_is_started_again(step: MakeStep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A killed process comes back under a new pid; the others stay; restarts are counted."""
    monkeypatch.setattr("streams.local.stack._FIRST_BACK_OFF", 0.01)
    file = StateFile(tmp_path)
    with file.owned():
        async with Stack.of([step("one"), step("two")], file, print) as stack:
            before = {name: service.pid for name, service in stack.services.items()}
            assert before["one"]
            os.kill(before["one"], signal.SIGKILL)
            async with asyncio.timeout(10):
                while stack.services["one"].pid in (None, before["one"]):  # noqa: ASYNC110  another process changes it
                    await asyncio.sleep(0.01)
            found = await status(file)
            assert [(s.name, s.restarts, s.ready) for s in found.services] == [("one", 1, True), ("two", 0, True)]
            assert stack.services["two"].pid == before["two"]


async def test_a_failing_step_takes_the_others_down(step: MakeStep, tmp_path: Path) -> None:
    """If one step cannot start, the rest is stopped and its reason told."""
    started: list[int] = []
    with pytest.raises(StartError, match=r"(?s)broken ended with 1.*why it broke"):
        async with Stack.of(
            [step("fine"), step("broken", "raise SystemExit('why it broke')", "fine", lasting=False)],
            StateFile(tmp_path),
            print,
        ):
            started.append(1)
    assert not started
    assert not [child for child in psutil.Process().children(recursive=True) if "signal.pause" in child.cmdline()]
    assert StateFile(tmp_path).read() is None


async def test_nothing_runs(tmp_path: Path) -> None:
    """Status and down work in a folder where nothing ever ran."""
    assert await status(StateFile(tmp_path)) == DOWN
    assert table(DOWN) == "nothing runs"
    assert await stop(tmp_path, print) is False


@pytest.mark.parametrize("content", ["", "{", '{"pid": 1}', "[]"])
async def test_a_damaged_state_counts_as_none(tmp_path: Path, content: str) -> None:
    """A state file cut short by a crash does not stop anything."""
    (tmp_path / "state.json").write_text(content)
    assert await status(StateFile(tmp_path)) == DOWN
    assert await stop(tmp_path, print) is False


async def test_one_supervisor_per_folder(tmp_path: Path) -> None:
    """A second run in the same folder is told how to see, stop or avoid the first."""
    with StateFile(tmp_path).owned(), pytest.raises(LocalError, match="runs already"), StateFile(tmp_path).owned():
        pass


async def test_leftovers_are_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of an earlier run that nobody stopped is ended; a reused pid is not touched."""
    monkeypatch.setattr("streams.local.checks._LEFTOVER_SECONDS", 0.2)
    left, other = [await orphan() for _ in range(2)]
    services = [
        ServiceState("left", "", pid=left.pid, created=left.create_time()),
        ServiceState("other", "", pid=other.pid, created=other.create_time() - 1000),
    ]
    said: list[str] = []
    await remove_leftovers(StackState(1, "ready", services), said.append)
    assert await asyncio.to_thread(gone, left.pid)
    assert other.is_running()
    assert said[-1] == f"ending {left.pid}, left over from an earlier run"
    other.kill()


async def test_a_taken_port_names_port_owner_and_setting() -> None:
    """The message says which port, who has it, and which setting moves ours."""
    (port,) = free_ports(1)

    async def prepare() -> Program:
        raise AssertionError

    wants = Step("registry", prepare, ports={"registry": port})
    require_ports([wants], "127.0.0.1")
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", port)
    async with server:
        expected = rf"port {port}, wanted by registry, is taken by .+ \(pid {os.getpid()}\).*SLUICEWAY_PORTS__REGISTRY="
        with pytest.raises(LocalError, match=expected):
            require_ports([wants], "127.0.0.1")


async def test_an_interrupted_start_leaves_nothing(step: MakeStep, tmp_path: Path) -> None:
    """Ctrl-C before all is ready stops what had started by then."""
    mute = step("mute", WAIT, "fine", ready=("http://127.0.0.1:1/",))
    starting = Stack.of([step("fine"), mute], file := StateFile(tmp_path), print)
    begun = asyncio.create_task(starting.__aenter__())
    async with asyncio.timeout(10):
        while (state := file.read()) is None or None in [s.pid for s in state.services]:  # noqa: ASYNC110  a file
            await asyncio.sleep(0.01)
    begun.cancel()
    with pytest.raises(asyncio.CancelledError):
        await begun
    assert await asyncio.to_thread(gone, *(service.pid for service in state.services if service.pid))
    assert file.read() is None
