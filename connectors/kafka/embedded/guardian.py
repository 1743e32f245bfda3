"""Runs one command and makes sure that it never outlives the process that asked for it.

    python -I -S guardian.py GRACE_SECONDS LOG_FILE COMMAND...

Standard input is a pipe held open by the parent. Its end, however the parent ended, `kill -9` included, stops the
command: SIGTERM to its process group, SIGKILL after the grace. Standard output tells `pid N` and at last `exit CODE`
(negative: the signal). Should the guardian itself be killed, Linux kills the command by PR_SET_PDEATHSIG.

A script of its own, on the standard library's lightest modules: one runs beside every child, so it starts in
some 40 ms and holds 5 MB of its own.
"""

import contextlib
import os
import select
import signal
import sys
import time
from typing import NoReturn

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def _die_with_guardian(guardian: int) -> None:
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  only where it is used: its import is a third of the start

        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guardian:
            os._exit(1)


def _become(command: list[str], log: str, guardian: int) -> NoReturn:
    """Turn this forked child into the command, in its own process group, writing to the log."""
    try:
        os.setsid()
        _die_with_guardian(guardian)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(out, 1)
        os.dup2(out, 2)
        signal.set_wakeup_fd(-1)
        for number in (*_STOP_SIGNALS, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        os.execvp(command[0], command)  # noqa: S606  the command is our caller's
    except OSError as error:
        os.write(2, f"cannot run {command[0]}: {error}\n".encode())
    os._exit(127)


def _signal_group(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _tell(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(1, f"{line}\n".encode())


def _signals() -> int:
    """Return a descriptor from which the numbers of arriving signals can be read."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    os.set_blocking(reading, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (*_STOP_SIGNALS, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    return reading


def _watch(pid: int, grace: float, signals: int) -> int:
    """Wait for the command's end, stopping it when asked; returns its wait status."""
    deadline: float | None = None
    watched = [0, signals]
    while True:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            return status
        timeout = None if deadline is None else max(0.0, deadline - time.monotonic())
        readable, _, _ = select.select(watched, [], [], timeout)
        stop = 0 in readable and not os.read(0, 4096)
        if signals in readable:
            stop |= any(number in _STOP_SIGNALS for number in os.read(signals, 4096))
        if stop and deadline is None:
            watched = [signals]
            deadline = time.monotonic() + grace
            _signal_group(pid, signal.SIGTERM)
        elif deadline is not None and time.monotonic() >= deadline:
            deadline = time.monotonic() + grace + 1
            _signal_group(pid, signal.SIGKILL)


def main(grace: str, log: str, *command: str) -> None:
    """Run the command until it ends or the parent does."""
    signals = _signals()
    guardian = os.getpid()
    running, closed_by_exec = os.pipe()
    pid = os.fork()
    if pid == 0:
        _become(list(command), log, guardian)
    os.close(closed_by_exec)
    os.read(running, 1)  # ends when the child has become the command: a signal sent earlier would be lost
    _tell(f"pid {pid}")
    status = _watch(pid, float(grace), signals)
    _signal_group(pid, signal.SIGKILL)  # what the command itself had started
    _tell(f"exit {os.waitstatus_to_exitcode(status)}")


if __name__ == "__main__":
    main(*sys.argv[1:])
