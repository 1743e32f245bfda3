"""A small application on the runtime, run as a process by the fault tests.

It relays each record to an output topic with its origin in a header and counts per key in the state. Records may say
what should go wrong: `raise`, `crash`, `big`, `slow`.
"""

import os
import time
from collections.abc import Sequence
from pathlib import Path

from connectors.kafka.codec import Codec, LocalIds
from streams.logs import set_up
from streams.runtime.breaker import BreakerRule
from streams.runtime.broker import Application, Broker
from streams.runtime.guard import Guard
from streams.runtime.layers import Layer
from streams.runtime.log import Log, LogOptions
from streams.runtime.slots import Slot
from streams.runtime.types import Output, Record
from streams.runtime.worker import attach, make_app, run


def relay(record: Record, layer: Layer) -> Sequence[Output]:
    """Count the key and pass the record on."""
    value = record.value or b""
    out = os.environ["OUT"]
    if value.startswith(b"raise") and not Path(os.environ["STATE"], "mended").exists():
        layer.put(b"count/" + (record.key or b""), b"999999")
        raise ValueError("this record is broken")
    if value.startswith(b"crash"):
        os._exit(9)
    if value.startswith(b"slow"):
        time.sleep(0.05)
    if value.startswith(b"big"):
        value = value * 1_000_000
    row = b"count/" + (record.key or b"")
    count = int(layer.get(row) or 0) + 1
    layer.put(row, b"%d" % count)
    origin = b"%d:%d" % (record.partition, record.offset)
    return [Output(out, record.partition, record.key, value, [("origin", origin), ("count", b"%d" % count)])]


def main() -> None:
    """Run until stopped."""
    name, topic, state_topic, servers = (os.environ[key] for key in ("APP", "IN", "CHANGELOG", "SERVERS"))
    broker = Broker(Application(name, topic, state_topic), {"bootstrap.servers": servers}, 10_000)
    broker.connect()
    slot = Slot.take(Path(os.environ["STATE"]))
    app = make_app(name, slot.path)
    guard = Guard(name, Codec(LocalIds()), broker.partitions, 900_000)
    rule = BreakerRule(int(os.environ.get("BREAKER", "50")), 0.5, 200)
    log = Log(app, broker, guard, LogOptions(slot.path, int(os.environ.get("CHUNK", "1000")), 0.5, rule, 6000))
    attach(app, log, relay)
    set_up("INFO")
    run(app, log, float(os.environ.get("STALL", "60")))


if __name__ == "__main__":
    main()
