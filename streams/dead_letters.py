"""Dead letters: the original bytes on `dlq.v1`, why they are there in headers, and a line in the journal.

Header names are Kafka Connect's (`__connect.errors.*`), which tools know, and three of ours.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connectors.errors import FatalError, MappingError
from connectors.kafka.codec import Codec
from connectors.kafka.partition import partition_for
from connectors.kafka.records import DeadLetter, Reply
from connectors.kafka.topics import DLQ, JOURNAL, REPLY
from streams.replies import Asked, asked_in
from streams.runtime.types import Headers, Output, Record

PREFIX = "__connect.errors."
OURS = frozenset({"x-error-class", "x-attempt", "x-stage", "x-field"})
MAX_REASON = 1000


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a record could not be dealt with.

    Attributes:
        stage: where: transform, connect.intake, connect.delivery, ...
        error: what was raised.
        attempts: tries made.
        at: when it was given up.
    """

    stage: str
    error: BaseException
    attempts: int
    at: datetime

    @property
    def error_class(self) -> str:
        """The error's name."""
        return type(self.error).__name__

    @property
    def reason(self) -> str:
        """The error's message, shortened; it may quote what no UTF-8 can hold."""
        return _printable((str(self.error) or repr(self.error))[:MAX_REASON])


def header(headers: Headers, name: str) -> str | None:
    """Return the last header of that name as text."""
    for key, value in reversed(headers):
        if key == name:
            return value.decode(errors="replace")
    return None


def describe(record: Record, failure: Failure, app: str) -> list[tuple[str, bytes]]:
    """Return the record's own headers and those that say why it is here; of an earlier failure nothing is kept."""
    why = {
        PREFIX + "topic": record.topic,
        PREFIX + "partition": str(record.partition),
        PREFIX + "offset": str(record.offset),
        PREFIX + "connector.name": app,
        PREFIX + "task.id": str(record.partition),
        PREFIX + "stage": failure.stage,
        PREFIX + "class.name": app,
        PREFIX + "exception.class.name": failure.error_class,
        PREFIX + "exception.message": failure.reason,
        "x-error-class": failure.error_class,
        "x-attempt": str(failure.attempts),
        "x-stage": failure.stage,
    }
    if isinstance(failure.error, MappingError):
        why["x-field"] = _printable(failure.error.field)
    return own(record.headers) + [(name, text.encode()) for name, text in why.items()]


def own(headers: Headers) -> list[tuple[str, bytes]]:
    """Return a record's own headers, without those that say why it is a dead letter."""
    return [(k, v) for k, v in headers if not k.startswith(PREFIX) and k not in OURS]


def original(letter: Record) -> Output:
    """Return the record that a dead letter was, for the place that it was consumed from.

    Raises:
        FatalError: it does not say where that is.
    """
    topic, partition = header(letter.headers, PREFIX + "topic"), header(letter.headers, PREFIX + "partition")
    if not topic or partition is None or not partition.isdigit():
        raise FatalError(f"{letter.topic}/{letter.partition}/{letter.offset} does not say where it was consumed from")
    return Output(topic, int(partition), letter.key, letter.value, own(letter.headers))


def _printable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()


def outputs(record: Record, failure: Failure, app: str, codec: Codec, partitions: int) -> Sequence[Output]:
    """Return the dead letter, on the partition it came from, its journal entry, and answers to who waits for one."""
    tenant = header(record.headers, "x-tenant") or (record.key or b"").decode(errors="replace")
    letter = DeadLetter(
        tenant=tenant,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        stage=failure.stage,
        error_class=failure.error_class,
        reason=failure.reason,
        attempts=failure.attempts,
        failed_at=failure.at,
    )
    return (
        Output(DLQ.name, record.partition, record.key, record.value, describe(record, failure, app)),
        Output(
            JOURNAL.name,
            partition_for(tenant, partitions),
            tenant.encode(),
            codec.encode(JOURNAL, letter),
            [("x-tenant", tenant.encode())],
        ),
        *(_answer(asked, letter, codec, partitions) for asked in asked_in(record.headers)),
    )


def _answer(asked: Asked, letter: DeadLetter, codec: Codec, partitions: int) -> Output:
    reply = Reply(letter.tenant, asked.key, asked.digest, "failed", letter.failed_at, detail=letter.reason)
    tenant = letter.tenant.encode()
    value = codec.encode(REPLY, reply)
    return Output(REPLY.name, partition_for(letter.tenant, partitions), tenant, value, [("x-tenant", tenant)])
