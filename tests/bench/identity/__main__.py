"""`make bench-identity`: how well parties are matched, and how fast. README.md says what is counted.

Environment: SEED (one or more, comma separated), SIZE (records of each generated set), PARTIES (marks at which the
speed is measured, comma separated; empty: not at all), ONLY (crm, febrl, speed; comma separated).
"""

import os
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench.identity import data, speed
from tests.bench.identity.measure import found

HERE = Path(__file__).parents[3]
FETCHED = HERE / ".cache" / "bench-identity"
"""Where the make target puts what is only needed here: FEBRL's data and a reader of Parquet."""
PARTS = ("crm", "febrl", "speed")
BATCH = 100_000


def main(environment: Mapping[str, str]) -> None:
    """Print the tables."""
    sys.path.insert(0, str(FETCHED))
    only = environment.get("ONLY", ",".join(PARTS)).split(",")
    if unknown := set(only) - set(PARTS):
        raise SystemExit(f"ONLY: {', '.join(sorted(unknown))} is not one of {', '.join(PARTS)}")
    seeds, marks = _numbers(environment, "SEED", "42"), _numbers(environment, "PARTIES", "100000")
    (size,) = _numbers(environment, "SIZE", "20000")
    with TemporaryDirectory() as folder:
        if "crm" in only or "febrl" in only:
            _say("set", "records", "precision", "recall", "F1", "asked", "of these right")
        for seed in seeds if "crm" in only else ():
            _crm(seed, size, Path(folder))
        for number in data.FEBRL if "febrl" in only else ():
            _row(f"FEBRL {number}", data.febrl(number, FETCHED))
        if "speed" in only and marks:
            _speed(marks, Path(folder))


def _crm(seed: int, size: int, folder: Path) -> None:
    for difficulty in ("light", "medium"):
        for entity in data.OBJECTS:
            _row(f"{difficulty} {entity}s, seed {seed}", data.crm(entity, difficulty, size, seed, folder))


def _row(name: str, samples: Sequence[data.Sample]) -> None:
    it = found(samples)
    figures = (f"{it.precision:.4f}", f"{it.recall:.4f}", f"{it.f1:.4f}", str(it.reviews), f"{it.right:.2f}")
    _say(name, str(len(samples)), *figures)


def _speed(marks: Sequence[int], folder: Path) -> None:
    head = ("records", "known", "records/s of CPU", "best chunk", "all threads", "rows read", "compared", "RSS MiB")
    _say("\nparties", *head, "on disk MiB")
    for pace in speed.paces(_endless(folder), marks):
        rates = (f"{pace.rate:.0f}", f"{pace.best:.0f}", f"{pace.all_threads:.0f}")
        work = (f"{pace.reads:.1f}", f"{pace.compared:.1f}", f"{pace.rss:.0f}", f"{pace.disk:.0f}")
        _say(str(pace.parties), str(pace.records), f"{pace.known:.2f}", *rates, *work)


def _endless(folder: Path) -> Iterator[data.Sample]:
    """Yield light contacts, batch after batch of other seeds, each under names of its own and in an order of chance."""
    for seed in count(1000):
        samples = data.crm("contact", "light", BATCH, seed, folder)
        random.Random(seed).shuffle(samples)  # noqa: S311  seeded; the generator tells all parties first, then repeats
        yield from (data.renamed(sample, f"{seed}-") for sample in samples)


def _numbers(environment: Mapping[str, str], name: str, default: str) -> list[int]:
    text = environment.get(name, default)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isdecimal() for part in parts):
        raise SystemExit(f"{name}: {text!r} is not a list of whole numbers")
    return [int(part) for part in parts]


def _say(first: str, *rest: str) -> None:
    sys.stdout.write(f"{first:28}" + "".join(f"{value:>18}" for value in rest) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(os.environ)
