"""What a contestant measures of itself, the way it tells it, and how it ends."""

import contextlib
import json
import os
import resource
import sys
import threading
import time
from dataclasses import asdict, dataclass

import psutil

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Task:
    """What a contestant is to do.

    Attributes:
        name: of its group; unique per run.
        servers: bootstrap servers.
        source, target, changelog: topics.
        records: how many there are to read.
        count: also count per key, with a changelog.
        folder: for state.
    """

    name: str
    servers: str
    source: str
    target: str
    changelog: str
    records: int
    count: bool
    folder: str


@dataclass(frozen=True, slots=True)
class Run:
    """What a run took; measured from the first tenth on, so that start-up does not count.

    Attributes:
        rate: records/s.
        cpu: microseconds of processor time per record, all threads.
        rss: MiB in the end.
    """

    rate: float
    cpu: float
    rss: float


class Meter:
    """Fed with the number of records committed so far; tells the result once all are."""

    def __init__(self, records: int) -> None:
        self._records = records
        self._began: tuple[int, float, float] | None = None
        self._told = False

    def committed(self, count: int) -> bool:
        """Note how many records are committed in all; True: that was the last."""
        if self._told or count < self._records // 10:
            return self._told
        now, used = time.perf_counter(), _cpu()
        if self._began is None:
            self._began = (count, now, used)
        elif count >= self._records:
            first, began, before = self._began
            measured = count - first
            # Not getrusage's maximum: on Linux that begins with the size of the process we were forked from.
            resident = psutil.Process().memory_info().rss / MIB
            run = Run(measured / (now - began), (used - before) / measured * 1e6, resident)
            # Faust leaves a line of its own unfinished.
            sys.stdout.write(f"\n{json.dumps(asdict(run))}\n")
            sys.stdout.flush()
            self._told = True
        return self._told


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def end_with_parent() -> None:
    """End this process as soon as whoever started it is gone: it holds the other end of our standard input."""

    def wait() -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
