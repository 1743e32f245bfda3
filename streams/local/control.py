"""Starts a supervisor in the background, and stops one wherever it runs."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import psutil

from streams.local.checks import remove_leftovers
from streams.local.errors import LocalError
from streams.local.plan import Say
from streams.local.state import READY, StateFile

_LOOK_EVERY = 0.1
_STOP_WITHIN = 30.0


async def start_detached(data_dir: Path, argv: Sequence[str], say: Say) -> None:
    """Run `sluiceway ARGV`, a supervisor, in the background; return when all of it is ready.

    What it says is said here meanwhile, and kept in `data_dir/logs/up.log`.

    Raises:
        LocalError: it ended instead.
    """
    log = data_dir / "logs" / "up.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        process = subprocess.Popen(  # noqa: S603, ASYNC220  our own command; starting it takes no time
            [sys.executable, "-m", "streams.cli", *argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    file = StateFile(data_dir)
    with log.open() as lines:
        while not _is_ready(file, process.pid):
            ended = process.poll() is not None
            for line in lines:
                say(line.rstrip())
            if ended:
                raise LocalError(f"nothing runs in the background; {log} keeps what was said")
            await asyncio.sleep(_LOOK_EVERY)


def _is_ready(file: StateFile, pid: int) -> bool:
    state = file.read()
    return state is not None and state.pid == pid and state.phase == READY


async def stop(data_dir: Path, say: Say) -> bool:
    """Stop the supervisor of this directory and wait until all of it is gone; False if none ran.

    Raises:
        LocalError: it runs but its state cannot be read, or it did not even end by SIGKILL.
    """
    file = StateFile(data_dir)
    state = file.read()
    if not file.held():
        await remove_leftovers(state, say)
        file.clear()
        return False
    if state is None:
        raise LocalError(f"{data_dir}: a supervisor runs, but its state cannot be read; find its process and end it")
    for number in (signal.SIGTERM, signal.SIGKILL):
        if await _ended(state.pid, number):
            await remove_leftovers(file.read(), say)
            file.clear()
            return True
        say(f"process {state.pid} has not stopped within {_STOP_WITHIN:.0f} s")
    raise LocalError(f"{data_dir}: process {state.pid} cannot be ended")


async def _ended(pid: int, number: int) -> bool:
    """Send the signal and wait for the end."""
    try:
        process = psutil.Process(pid)
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return True
    _, alive = await asyncio.to_thread(psutil.wait_procs, [process], _STOP_WITHIN)
    return not alive
