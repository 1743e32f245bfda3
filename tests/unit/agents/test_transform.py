"""The transform agent: what a record leads to, with its headers, counted when it is committed."""

from pathlib import Path

import connectors
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.topics import INBOX
from streams.agents.transform import Transform
from streams.runtime.guard import count_committed
from streams.runtime.layers import Layer
from streams.runtime.types import Record
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.measured import measured
from tests.unit.stages.kit import ACCOUNT, Company, MemoryState, at

HEADERS = [("traceparent", b"00-" + b"1" * 32 + b"-" + b"1" * 16 + b"-01"), ("x-origin", b"poll")]


def test_changes_are_counted_when_they_are_committed() -> None:
    """Work that is done again after a crash counts once."""
    codec = Codec(LocalIds())
    pipeline, state = Pipeline(codec, Templates.load(Path(connectors.__file__).parent)), MemoryState()
    company = Company(pipeline)
    company.connect()
    company.record("salesforce", "Account", ACCOUNT, at(0))
    transform = Transform(pipeline, codec, 4)
    changes = measured("sluiceway_canonical_changes_total", entity="party")
    for _ in range(2):
        layer = Layer(state)
        for offset, value in enumerate(company.taken):
            record = Record(INBOX.name, 0, offset, b"acme", codec.encode(INBOX, value), HEADERS, 1_772_000_000_000)
            outputs = transform(record, layer)
    count_committed("transform", outputs)
    assert measured("sluiceway_canonical_changes_total", entity="party") == changes + 1
    assert [name for name, _ in outputs[0].headers] == [
        "ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type", "traceparent", "x-tenant",
        "x-origin",
    ]  # fmt: skip
