"""How fast the matcher is on one core, with the index in RocksDB as a shard has it."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from connectors.kafka.codec import Codec, LocalIds
from streams.runtime.layers import Layer
from streams.runtime.store import Meta, Store
from streams.stages.identity import Records, new_id
from streams.stages.matching import Band
from streams.stages.rows import Link, Rows
from tests.bench.identity.data import Sample

CHUNK = 500
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Pace:
    """What one stretch of records took.

    Attributes:
        parties: there are now.
        rate: records per second of this process's main thread, RocksDB's own threads aside.
        wall: records per second of the clock.
        rss: MiB of the whole process.
        disk: MiB of the database.
    """

    parties: int
    rate: float
    wall: float
    rss: float
    disk: float


def paces(samples: Iterator[Sample], marks: Sequence[int]) -> Iterator[Pace]:
    """Take in records until there are so many parties; measure the last tenth before each mark."""
    with TemporaryDirectory() as folder:
        store = Store(Path(folder) / "db", time.time)
        store.open("bench", "bench", 0, 3600)
        parties, unit = 0, 0
        for mark in marks:
            count, cpu, wall = 0, 0.0, 0.0
            while parties < mark:
                chunk = list(islice(samples, CHUNK))
                if not chunk:
                    return
                unit += 1
                began, started = time.thread_time(), time.perf_counter()
                new = _take(store, chunk, unit)
                if parties >= mark - mark // 10:
                    count, cpu, wall = (
                        count + len(chunk),
                        cpu + time.thread_time() - began,
                        wall + time.perf_counter() - started,
                    )
                parties += new
            disk = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file()) / MIB
            yield Pace(parties, count / cpu, count / wall, psutil.Process().memory_info().rss / MIB, disk)
        store.close()


def _take(store: Store, chunk: Sequence[Sample], unit: int) -> int:
    """Work on a chunk, one layer per record, and write what a commit would; return how many parties are new."""
    outer = Layer(store)
    new = 0
    for sample in chunk:
        layer = Layer(outer)
        rows = Rows("bench", layer, _CODEC)
        draft, records = sample.draft, Records(rows)
        traits = records.traits(draft)
        if traits is None:
            continue
        verdict = records.verdict(draft.ref, traits)
        linked = verdict.band is Band.LINK
        party = verdict.candidates[0].party if linked else new_id("bench", draft.ref)
        new += not linked
        rows.links.put(Link("party", party), draft.ref.vendor, draft.ref.object, draft.ref.id)
        records.stand(draft)
        layer.fold(outer)
    store.queue(outer.rows, unit)
    store.write(outer.rows, Meta("bench", "bench", unit, time.time()))
    store.settle(unit)
    return new


_CODEC = Codec(LocalIds())
