"""The same work on our runtime: Faust agent, shards, transactions, state with changelog."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from connectors.kafka.codec import Codec, LocalIds
from streams.logs import set_up
from streams.runtime.breaker import BreakerRule
from streams.runtime.broker import Application, Broker
from streams.runtime.guard import Guard
from streams.runtime.layers import Layer
from streams.runtime.log import Log, LogOptions
from streams.runtime.shard import Shard
from streams.runtime.types import Output, Record
from streams.runtime.worker import attach, make_app, run
from streams.settings import Runtime
from tests.bench.job import work
from tests.bench.meter import Meter, Task, end_with_parent


class Handler:
    """Does the work; with `count` it counts per key in the state."""

    def __init__(self, target: str, *, count: bool) -> None:
        self._target = target
        self._count = count

    def __call__(self, record: Record, layer: Layer) -> Sequence[Output]:
        """Return the output."""
        key = record.key or b""
        if self._count:
            layer.put(key, b"%d" % (int(layer.get(key) or 0) + 1))
        return (Output(self._target, record.partition, key, work(record.value or b""), record.headers),)


def main(task: Task) -> None:
    """Run until stopped."""
    settings = Runtime()
    broker = Broker(Application(task.name, task.source, task.changelog), {"bootstrap.servers": task.servers}, 10_000)
    broker.connect()
    folder = Path(task.folder)
    folder.mkdir()
    app = make_app(task.name, folder)
    guard = Guard(task.name, Codec(LocalIds()), broker.partitions, settings.max_record_bytes)
    rule = BreakerRule(settings.breaker_consecutive, settings.breaker_ratio, settings.breaker_window)
    options = LogOptions(folder, settings.max_chunk, settings.chunk_seconds, rule, settings.session_timeout_ms)
    meter, offsets = Meter(task.records), dict[int, int]()

    def committed(shard: Shard) -> None:
        offsets[shard.partition] = shard.committed
        meter.committed(sum(offsets.values()))

    log = Log(app, broker, guard, options, committed=committed)
    attach(app, log, Handler(task.target, count=task.count))
    set_up("WARNING")
    run(app, log, 60.0)


if __name__ == "__main__":
    end_with_parent()
    request = Task(**json.loads(sys.argv[1]))
    sys.argv = sys.argv[:1]  # Faust's worker reads the rest
    main(request)
