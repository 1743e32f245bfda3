"""Records the events anew, with `python -m tests.recording [BUYERS]`: it takes minutes."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.recording.buyers import buyers
from tests.recording.company import company
from tests.recording.file import EVENTS, write
from tests.recording.story import Told, tell

BUYERS, AT_ONCE, TIDIED = 135, 27, 3


async def _record(count: int) -> list[Told]:
    with tempfile.TemporaryDirectory() as folder:
        async with company(Path(folder)) as acme:
            rounds = range(0, count, AT_ONCE)
            everybody = buyers(count + 2 * TIDIED * len(rounds))
            others = iter(everybody[count:])
            for start in rounds:
                now = everybody[start : min(start + AT_ONCE, count)]
                await tell(acme, now, [(buyer, next(others), next(others)) for buyer in now[:TIDIED]])
            return acme.records


if __name__ == "__main__":
    told = asyncio.run(_record(int(sys.argv[1]) if len(sys.argv) > 1 else BUYERS))
    write(EVENTS, told)
    print(f"{len(told)} events, {EVENTS.stat().st_size} bytes in {EVENTS}")  # noqa: T201  the answer
