"""Throughput: our runtime beside the loop by hand, in interleaved pairs on one broker."""

import random
import sys
from collections.abc import Mapping, Sequence

from tests.bench.arena import Arena
from tests.bench.meter import Run

SOURCE = "bench-in"
Pairs = Sequence[tuple[Run, Run]]
"""Loop and runtime, measured one after the other."""


def measure(arena: Arena, records: int, runs: int, seed: int) -> Mapping[bool, Pairs]:
    """Return the pairs without and with a keyed count; every other pair begins with the runtime."""
    arena.topics(SOURCE)
    arena.fill(SOURCE, records, random.Random(seed))  # noqa: S311  seeded
    found: dict[bool, list[tuple[Run, Run]]] = {False: [], True: []}
    for number in range(runs):
        for count in (False, True):
            order = ("loop", "runtime") if number % 2 == 0 else ("runtime", "loop")
            pair = {kind: _once(arena, kind, records, count=count) for kind in order}
            found[count].append((pair["loop"], pair["runtime"]))
    return found


def _once(arena: Arena, kind: str, records: int, *, count: bool) -> Run:
    task = arena.task(SOURCE, records, count=count)
    with arena.contestant(kind, task) as contestant:
        run = contestant.result()
    arena.drop(task)
    sys.stderr.write(f"{kind:8}{'+ count' if count else '':8}{run.rate:9,.0f}/s {run.cpu:6.1f} us\n")
    return run
