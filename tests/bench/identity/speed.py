"""How fast the matcher is on one core, with the index in RocksDB as a shard has it."""

import gc
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from connectors.kafka.codec import Codec, LocalIds
from streams.runtime import memory
from streams.runtime.layers import Layer
from streams.runtime.store import Meta, Store
from streams.stages.identity import Records, new_id
from streams.stages.matching import Band
from streams.stages.rows import Link
from streams.stages.tables import Rows
from tests.bench.identity.data import Sample

CHUNK = 500
WINDOWS = 20
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Pace:
    """What the records after a mark took.

    Attributes:
        parties: there were.
        records: there were.
        known: share of the measured records that were linked to a party that was there.
        rate: records per second of the main thread's processor time: the median of `WINDOWS` chunks.
        best: of the quickest chunk.
        all_threads: records per second of processor time, RocksDB's own threads included, over all chunks.
        reads: rows that one record asked the store for.
        compared: records that one was compared with.
        rss: MiB of the whole process, the generated records included.
        disk: MiB of the database.
    """

    parties: int
    records: int
    known: float
    rate: float
    best: float
    all_threads: float
    reads: float
    compared: float
    rss: float
    disk: float


class Counted:
    """A store whose reads are counted: outside the measured time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.reads = 0
        self.compared = 0

    def get(self, key: bytes) -> bytes | None:
        """Return a row; one of the crosswalk that is there is of somebody compared, as all who come are new."""
        value = self._store.get(key)
        self.reads += 1
        self.compared += value is not None and key.startswith(b"link\x1f")
        return value

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Return what the store has."""
        return self._store.scan(prefix)


class Bench:
    """A shard's state and the matcher on it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._store = Store(folder / "db", time.time)
        self._store.open("bench", "bench", 0, 3600)
        self._unit = 0
        self._records = 0

    def fill(self, samples: Sequence[Sample]) -> None:
        """Let records stand in the state, each as a party of its own, without asking who they are."""
        outer = Layer(self._store)
        for sample in samples:
            rows = Rows("bench", outer, _CODEC)
            _link(rows, sample, new_id("bench", sample.draft.ref))
            Records(rows).stand(sample.draft)
            rows.flush()
        self._commit(outer, len(samples))

    def take(self, samples: Sequence[Sample], below: Counted | None = None) -> int:
        """Work on records, one layer each, and write what a commit would; return how many were linked."""
        outer = Layer(below or self._store)
        known = 0
        for sample in samples:
            layer = Layer(outer)
            rows = Rows("bench", layer, _CODEC)
            draft, records = sample.draft, Records(rows)
            traits = records.traits(draft)
            if traits is None:
                continue
            verdict = records.verdict(draft.ref, traits)
            linked = verdict.band is Band.LINK
            known += linked
            _link(rows, sample, verdict.candidates[0].party if linked else new_id("bench", draft.ref))
            records.stand(draft)
            rows.flush()
            layer.fold(outer)
        self._commit(outer, len(samples))
        return known

    def _commit(self, layer: Layer, records: int) -> None:
        self._unit += 1
        self._records += records
        self._store.queue(layer.rows, self._unit)
        self._store.write(layer.rows, Meta("bench", "bench", self._unit, time.time()))
        self._store.settle(self._unit)

    def pace(self, samples: Iterator[Sample], parties: int) -> Pace:
        """Measure the next records."""
        chunks = [list(islice(samples, CHUNK)) for _ in range(WINDOWS)]
        memory.settle()  # as a worker's is; the generated records are the bench's own
        times, known, all_threads = [], 0, time.process_time()
        for chunk in chunks:
            began = time.thread_time()
            known += self.take(chunk)
            times.append(time.thread_time() - began)
        all_threads = time.process_time() - all_threads
        gc.unfreeze()
        records, counted = self._records, Counted(self._store)
        self.take(last := list(islice(samples, CHUNK)), counted)
        return Pace(
            parties,
            records,
            known / (CHUNK * WINDOWS),
            CHUNK / median(times),
            CHUNK / min(times),
            CHUNK * WINDOWS / all_threads,
            counted.reads / len(last),
            counted.compared / len(last),
            psutil.Process().memory_info().rss / MIB,
            sum(file.stat().st_size for file in self._folder.rglob("*") if file.is_file()) / MIB,
        )

    def close(self) -> None:
        """Close the store."""
        self._store.close()


def paces(samples: Iterator[Sample], marks: Sequence[int]) -> Iterator[Pace]:
    """Fill the state until it has so many true parties, and measure what comes next; and so on for each mark."""
    with TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        parties, batch, seen = 0, "", set[str]()
        for mark in marks:
            while parties < mark:
                chunk = list(islice(samples, CHUNK))
                for sample in chunk:
                    if (name := sample.draft.ref.id.partition("-")[0]) != batch:
                        batch, seen = name, set()
                    parties += sample.truth not in seen
                    seen.add(sample.truth)
                bench.fill(chunk)
            yield bench.pace(samples, parties)
        bench.close()


def _link(rows: Rows, sample: Sample, party: str) -> None:
    ref = sample.draft.ref
    rows.links.put(Link("party", party), ref.vendor, ref.object, ref.id)


_CODEC = Codec(LocalIds())
