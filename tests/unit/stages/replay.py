"""Replays inbox records from a file, in a process of its own: `python -m tests.unit.stages.replay FILE`."""

import sys
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path

import connectors
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import ConnectionChanged, VendorRecord, VendorResult
from streams.stages.mapping import Templates
from streams.stages.pipeline import Emit, Pipeline
from tests.unit.stages.kit import MemoryState, Value

KINDS = {kind.SCHEMA: kind for kind in (VendorRecord, VendorResult, ConnectionChanged)}


def encoded(codec: Codec, emits: Iterable[Emit]) -> list[bytes]:
    """Return topic, key and value of what was emitted, as it would be produced."""
    found = []
    for emit in emits:
        if isinstance(emit.value, Mapping):
            value = codec.encode_as(emit.topic, emit.schema, emit.value)
        else:
            value = codec.encode(emit.topic, emit.value) if emit.value is not None else b"tombstone"
        found.append(b"\x00".join((emit.topic.name.encode(), emit.key.encode(), value)))
    return found


def replay(values: Iterable[Value]) -> str:
    """Return the digest of everything that the records lead to: emits and rows."""
    codec, state, digest = Codec(LocalIds()), MemoryState(), sha256()
    pipeline = Pipeline(codec, Templates.load(Path(connectors.__file__).parent))
    for number, value in enumerate(values, 1):
        for line in encoded(codec, pipeline.process(value, state, f"inbox.v1/0/{number}")):
            digest.update(line)
    for key in sorted(state.rows):
        digest.update(key + state.rows[key])
    return digest.hexdigest()


if __name__ == "__main__":
    reader = Codec(LocalIds())
    records = [reader.decode(bytes.fromhex(line)) for line in Path(sys.argv[1]).read_text().split()]
    print(replay([KINDS[name](**fields) for name, fields in records]))  # noqa: T201  the answer
