"""The records the delivery writes, each with topic, partition, key and headers."""

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from connectors.errors import ConnectorError
from connectors.kafka.codec import Codec
from connectors.kafka.codec import Record as AvroRecord
from connectors.kafka.headers import event_headers
from connectors.kafka.partition import partition_for
from connectors.kafka.records import JournalEntry, Reply, ReviewItem, Tick, VendorRecord, VendorResult
from connectors.kafka.topics import INBOX, JOURNAL, REPLY, REVIEW, Topic
from connectors.ports import Outcome, Raw
from streams import dead_letters, metrics
from streams.dead_letters import header
from streams.delivery.todo import Todo
from streams.replies import State
from streams.runtime.types import Headers, Output

APP = "connect"
STAGE = "connect.delivery"
NAMESPACE = uuid.UUID("b6f3a0ce-5f4e-5b52-9d0f-0a4f6c1f7c15")


class Tenanted(AvroRecord, Protocol):
    """A record type that names its tenant."""

    @property
    def tenant(self) -> str:
        """Whose it is."""
        ...


@dataclass(frozen=True, slots=True)
class Outbox:
    """Builds outputs; every one is keyed by its tenant."""

    codec: Codec
    partitions: int

    def result(self, todo: Todo, remote_id: str, outcome: Outcome, at: datetime) -> Output:
        """Return what tells the tenant's inbox that a command was carried out."""
        command = todo.command
        result = VendorResult(
            tenant=command.tenant,
            vendor=command.vendor,
            object=command.object,
            object_key=command.object_key,
            operation=command.operation,
            version=command.version,
            remote_id=remote_id,
            body=outcome.body,
            delivered_at=at,
        )
        return self._output(INBOX, result, command.vendor, at, todo.headers)

    def read(self, tenant: str, vendor: str, raw: Raw, origin: str, at: datetime, cause: Headers = ()) -> Output:
        """Return what tells the tenant's inbox that an object was read; `origin` is poll or fetch."""
        record = VendorRecord(
            tenant=tenant,
            vendor=vendor,
            object=raw.object,
            remote_id=raw.remote_id,
            source_version=raw.version,
            origin=origin,
            body=raw.body,
            received_at=at,
            deleted=raw.deleted,
            hint=raw.hint,
            merged_into=raw.merged_into,
            undeleted=raw.undeleted,
            ours=raw.ours,
        )
        return self._output(INBOX, record, vendor, at, cause, origin=origin, version=raw.version)

    def tick(self, tick: Tick) -> Output:
        """Return what tells the tenant's inbox that a business day begins."""
        return self._output(INBOX, tick, "midnight", tick.at, ())

    def replies(
        self, todo: Todo, state: State, at: datetime, *, remote_id: str | None = None, detail: str | None = None
    ) -> Sequence[Output]:
        """Return what tells those who wait for a todo how it fares."""
        command = todo.command
        replies = [
            Reply(
                tenant=command.tenant,
                key=asked.key,
                digest=asked.digest,
                state=state,
                at=at,
                vendor=command.vendor,
                remote_id=remote_id,
                object_key=command.object_key,
                detail=detail,
            )
            for asked in todo.asked
        ]
        return [self._output(REPLY, reply, command.vendor, at, todo.headers) for reply in replies]

    def journal(self, todo: Todo, kind: str, at: datetime, **details: Any) -> Output:
        """Return the journal's line about a todo."""
        command = todo.command
        entry = JournalEntry(
            tenant=command.tenant,
            at=at,
            kind=kind,
            vendor=command.vendor,
            object=command.object,
            object_key=command.object_key,
            version=command.version,
            **details,
        )
        return self._output(JOURNAL, entry, command.vendor, at, todo.headers)

    def connection(self, tenant: str, vendor: str, kind: str, at: datetime, **details: Any) -> Output:
        """Return the journal's line about a connection as a whole."""
        entry = JournalEntry(tenant=tenant, at=at, kind=kind, vendor=vendor, object="", object_key="", **details)
        return self._output(JOURNAL, entry, vendor, at, ())

    def dead_letter(self, todo: Todo, error: Exception, at: datetime, partition: int) -> Sequence[Output]:
        """Return the original command on `dlq.v1`, and the journal's line."""
        failure = dead_letters.Failure(STAGE, error, todo.row.tries + 1, at)
        metrics.DEAD_LETTERS.labels(APP, failure.stage, failure.error_class).inc()
        return dead_letters.outputs(todo.record(partition), failure, APP, self.codec, self.partitions)

    def review(self, todo: Todo, error: ConnectorError, at: datetime) -> Output:
        """Return the question to a person; asked again for another version, it is another question."""
        command = todo.command
        item = ReviewItem(
            tenant=command.tenant,
            id=f"{command.vendor}/{command.object_key}/{command.version}",
            at=at,
            kind="duplicate",
            object_key=command.object_key,
            reason=str(error),
        )
        return self._output(REVIEW, item, command.vendor, at, todo.headers)

    def _output(self, topic: Topic, record: Tenanted, source: str, at: datetime, cause: Headers, **how: str) -> Output:
        value = self.codec.encode(topic, record)
        content = hashlib.sha256(value).hexdigest()
        headers = event_headers(
            schema=record.SCHEMA,
            # The same content has the same id, so that a repeat can be told.
            event_id=str(uuid.uuid5(NAMESPACE, f"{topic.name}/{record.tenant}/{content}")),
            source=f"/sluiceway/connect/{source}",
            at=at,
            tenant=record.tenant,
            trace=header(cause, "traceparent") or "",
            **how,
        )
        partition = partition_for(record.tenant, self.partitions)
        return Output(topic.name, partition, record.tenant.encode(), value, headers)
