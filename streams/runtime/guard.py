"""Wraps each record: its outputs and rows, or one dead letter; never an exception out of the agent."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from connectors.errors import RejectedError, RetryableError, UnknownSchemaError
from connectors.kafka.codec import Codec
from connectors.kafka.topics import DLQ
from streams import metrics
from streams.dead_letters import Failure, header, outputs
from streams.runtime.breaker import Breaker
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record, ShardLostError, StateView

OVERHEAD = 256
YIELD_SECONDS = 0.02
# Not the record's fault: the registry must answer first, or the record is another worker's now.
AGAIN = (UnknownSchemaError, RetryableError, ShardLostError)


class Handler(Protocol):
    """What a role does with one record; pure but for what it puts into the layer."""

    def __call__(self, record: Record, layer: Layer, /) -> Sequence[Output]:
        """Return what is to be produced."""
        ...


class TooLargeError(RejectedError):
    """An output is larger than any record may be."""


class WorkerCrashedError(Exception):
    """The process died each time it tried this record."""


@dataclass(slots=True)
class Work:
    """What became of a run of records.

    Attributes:
        outputs: to be produced.
        rows: to be written.
        count: records dealt with; fewer than there were if the breaker opened.
        tripped: too many failed in the end; the records from `count` on are left untouched.
    """

    outputs: list[Output] = field(default_factory=list)
    rows: dict[bytes, bytes | None] = field(default_factory=dict)
    count: int = 0
    tripped: bool = False


@dataclass(frozen=True, slots=True)
class Guard:
    """Runs records through a handler.

    Attributes:
        app: transform or connect.
        codec: for the journal entry of a dead letter.
        partitions: of every topic.
        max_bytes: of an output.
        now: the current instant.
    """

    app: str
    codec: Codec
    partitions: int
    max_bytes: int
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    async def run(self, records: Iterable[Record], state: StateView, handler: Handler, breaker: Breaker) -> Work:
        """Return the outputs and rows of the records, dead letters included.

        When the breaker opens, the run of failures that opened it is taken back: it may be our fault, not theirs.

        Raises:
            UnknownSchemaError, RetryableError: the registry does not know a record's schema id, or does not answer;
                nothing of all this is kept or counted.
            ShardLostError: the state is gone.
        """
        layer = Layer(state)
        work = Work(rows=layer.rows)
        good_outputs, good_count = 0, 0
        counted = breaker.dump()
        breathed = time.monotonic()
        for record in records:
            try:
                made, failed = self._one(record, layer, handler)
            except AGAIN:
                breaker.load(counted)
                raise
            work.outputs += made
            work.count += 1
            if not failed:
                good_outputs, good_count = len(work.outputs), work.count
            if breaker.record(failed=failed):
                del work.outputs[good_outputs:]
                work.count, work.tripped = good_count, True
                break
            if time.monotonic() - breathed > YIELD_SECONDS:
                await asyncio.sleep(0)
                breathed = time.monotonic()
        return work

    def _one(self, record: Record, layer: Layer, handler: Handler) -> tuple[Sequence[Output], bool]:
        own = Layer(layer)
        try:
            made = handler(record, own)
            for output in made:
                headers = sum([len(name) + len(value) for name, value in output.headers])
                self._check_size(output.topic, output.key, output.value, headers)
            for key, value in own.rows.items():
                self._check_size("the state", key, value)
        except AGAIN:
            raise
        except Exception as error:  # noqa: BLE001  one bad record must not stop its neighbours
            return self.dead_letter(record, error, attempts=1), True
        own.fold(layer)
        return made, False

    def _check_size(self, where: str, key: bytes | None, value: bytes | None, headers: int = 0) -> None:
        size = len(value or b"") + len(key or b"") + headers + OVERHEAD
        if size > self.max_bytes:
            raise TooLargeError(f"the record for {where} has {size} bytes, more than the {self.max_bytes} allowed")

    def dead_letter(self, record: Record, error: Exception, attempts: int) -> Sequence[Output]:
        """Return the outputs that give the record up."""
        failure = Failure(self.app, error, attempts, self.now())
        return outputs(record, failure, self.app, self.codec, self.partitions)

    def passes(self, records: Iterable[Record], state: StateView, handler: Handler) -> bool:
        """Tell whether any of the records passes on its own; nothing is kept."""
        for record in records:
            try:
                handler(record, Layer(state))
            except Exception:  # noqa: BLE001, S112  a probe only wants to know whether one passes
                continue
            return True
        return False


def count_committed(app: str, outputs: Iterable[Output]) -> None:
    """Count what was committed, and the dead letters among it."""
    for letter in outputs:
        for count in letter.counts:
            count.inc()
        if letter.topic == DLQ.name:
            stage, error = (header(letter.headers, name) or "" for name in ("x-stage", "x-error-class"))
            metrics.DEAD_LETTERS.labels(app, stage, error).inc()
