"""The transform agent: inbox records through the pure pipeline into canonical records and commands."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from connectors.errors import DecodeError
from connectors.kafka.codec import Codec
from connectors.kafka.headers import event_headers
from connectors.kafka.partition import partition_for
from connectors.kafka.records import ConnectionChanged, Decision, Request, Tick, VendorRecord, VendorResult
from connectors.kafka.topics import CANONICAL, COMMAND
from streams import metrics
from streams.dead_letters import header
from streams.replies import REQUEST_HEADER
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record
from streams.stages.pipeline import Emit, Pipeline

KINDS = {kind.SCHEMA: kind for kind in (VendorRecord, VendorResult, ConnectionChanged, Request, Decision, Tick)}
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
        name, fields = self.codec.decode(record.value or b"")
        if name not in KINDS:
            raise DecodeError(f"{name} does not belong into {record.topic}")
        value = KINDS[name](**fields)
        at = f"{record.topic}/{record.partition}/{record.offset}"
        emits = self.pipeline.process(value, layer, at)
        return [self._output(emit, record, value.tenant, f"{at}/{n}") for n, emit in enumerate(emits)]

    def _output(self, emit: Emit, record: Record, tenant: str, cause: str) -> Output:
        _count(emit)
        headers = event_headers(
            schema=emit.schema,
            event_id=cause,
            source="/sluiceway/transform",
            at=datetime.fromtimestamp(record.timestamp / 1000, UTC),
            trace=header(record.headers, "traceparent") or "",
            tenant=tenant,
            origin=header(record.headers, "x-origin") or "",
            version=header(record.headers, "x-source-version") or "",
        )
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
        return Output(emit.topic.name, partition, emit.key.encode(), value, headers)


def _count(emit: Emit) -> None:
    if (entity := ENTITIES.get(emit.topic.name)) is not None:
        metrics.CHANGES.labels(entity).inc()
        for field, policy in emit.disputed:
            metrics.CONFLICTS.labels(entity, field, policy).inc()
    elif emit.topic is COMMAND:
        command = emit.value
        metrics.COMMANDS.labels(*(getattr(command, name) for name in ("vendor", "object", "operation"))).inc()
