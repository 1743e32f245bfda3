"""The transform agent: inbox records through the pure pipeline into canonical records and commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import get_args

from prometheus_client import Counter

from connectors.errors import DecodeError
from connectors.kafka.codec import Codec
from connectors.kafka.headers import Headers
from connectors.kafka.partition import partition_for
from connectors.kafka.records import Command
from connectors.kafka.topics import CANONICAL
from streams import metrics
from streams.dead_letters import header
from streams.replies import REQUEST_HEADER
from streams.runtime.layers import Layer
from streams.runtime.types import Count, Output, Record
from streams.stages.pipeline import Emit, Pipeline, Value

KINDS: Mapping[str, type[Value]] = {kind.SCHEMA: kind for kind in get_args(Value)}
ENTITIES = {topic.name: entity for entity, topic in CANONICAL.items()}


@dataclass(frozen=True, slots=True)
class Transform:
    """Handles one inbox record; a function of record and state.

    Attributes:
        pipeline: the stages.
        codec: for what it reads and writes.
        partitions: of every topic.
    """

    pipeline: Pipeline
    codec: Codec
    partitions: int

    def __call__(self, record: Record, layer: Layer) -> Sequence[Output]:
        """Return canonical records, changes and commands.

        Raises:
            DecodeError, MappingError, RejectedError: dead letter.
            UnknownSchemaError: wait for the registry.
        """
        data = record.value or b""
        kind = KINDS.get(name := self.codec.type_of(data))
        if kind is None:
            raise DecodeError(f"{name} does not belong into {record.topic}")
        value = self.codec.decode_as(data, kind)
        at = f"{record.topic}/{record.partition}/{record.offset}"
        emits = self.pipeline.process(value, layer, at)
        if not emits:
            return ()
        headers = Headers(
            source="/sluiceway/transform",
            at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            trace=header(record.headers, "traceparent") or "",
            tenant=value.tenant,
            origin=header(record.headers, "x-origin") or "",
            version=header(record.headers, "x-source-version") or "",
        )
        return [self._output(emit, headers.of(emit.schema, f"{at}/{n}")) for n, emit in enumerate(emits)]

    def _output(self, emit: Emit, headers: list[tuple[str, bytes]]) -> Output:
        if emit.asked:
            headers.append((REQUEST_HEADER, emit.asked.encode()))
        value = None
        if emit.body is not None:
            value = self.codec.framed(emit.topic, emit.schema, emit.body)
        elif isinstance(emit.value, Mapping):
            value = self.codec.encode_as(emit.topic, emit.schema, emit.value)
        elif emit.value is not None:
            value = self.codec.encode(emit.topic, emit.value)
        partition = partition_for(emit.key, self.partitions)
        return Output(emit.topic.name, partition, emit.key.encode(), value, headers, _counts(emit))


def _counts(emit: Emit) -> Sequence[Count]:
    """Return what the commit of a record counts."""
    if (entity := ENTITIES.get(emit.topic.name)) is not None:
        conflicts = [_count(metrics.CONFLICTS, entity, field, policy) for field, policy in emit.disputed]
        return [_count(metrics.CHANGES, entity), *conflicts]
    if isinstance(emit.value, Command):
        return [_count(metrics.COMMANDS, emit.value.vendor, emit.value.object, emit.value.operation)]
    return ()


@cache
def _count(counter: Counter, *labels: str) -> Count:
    found: Count = counter.labels(*labels)
    return found
