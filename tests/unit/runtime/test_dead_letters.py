"""What a dead letter says of itself."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from connectors.errors import FatalError, MappingError
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.partition import partition_for
from streams.dead_letters import Failure, describe, header, original, outputs
from streams.runtime.types import Output, Record

CODEC = Codec(LocalIds())
AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RECORD = Record("in", 3, 17, b"acme", b"\x00raw", [("x-tenant", b"acme"), ("x-tenant", b"other")], 0)


def failed(record: Record, error: Exception, stage: str = "transform") -> Record:
    """Return the record as it comes back from the DLQ after a failure."""
    headers = describe(record, Failure(stage, error, 2, AT), "transform")
    return Record(record.topic, record.partition, record.offset, record.key, record.value, headers, 0)


def test_an_earlier_failure_is_replaced() -> None:
    """Failing again leaves one of each of our headers, of the later failure only, and the record's own untouched."""
    twice = failed(failed(RECORD, MappingError("Account.Name", "is missing")), ValueError("later"), "connect.intake")
    names = Counter(name for name, _ in twice.headers)
    assert names.pop("x-tenant") == 2
    assert set(names.values()) == {1}
    assert header(twice.headers, "x-field") is None
    assert header(twice.headers, "x-stage") == "connect.intake"
    assert header(twice.headers, "__connect.errors.exception.message") == "later"


def test_the_letter_and_its_journal_entry() -> None:
    """The original bytes on the partition they came from, the entry with the tenant."""
    letter, entry = outputs(RECORD, Failure("transform", ValueError(""), 1, AT), "transform", Codec(LocalIds()), 4)
    assert (letter.topic, letter.partition, letter.key, letter.value) == ("dlq.v1", 3, b"acme", b"\x00raw")
    assert header(letter.headers, "__connect.errors.exception.message") == "ValueError('')"
    assert (entry.topic, entry.key, entry.partition) == ("journal.v1", b"other", partition_for("other", 4))


def test_a_long_reason_is_cut() -> None:
    """A thousand characters say enough."""
    assert len(Failure("s", ValueError("x" * 5000), 1, AT).reason) == 1000


def test_a_record_without_tenant_header_is_its_keys() -> None:
    """The key is the tenant of our topics; bytes that are no text are replaced."""
    record = Record("in", 0, 1, b"\xff", None, [], 0)
    letter, entry = outputs(record, Failure("s", ValueError("x"), 1, AT), "transform", Codec(LocalIds()), 4)
    assert (letter.value, entry.key) == (None, "\N{REPLACEMENT CHARACTER}".encode())


def test_the_original_is_the_record_as_it_was_consumed() -> None:
    """Place, key, bytes and its own headers, after however many failures; what names no place is refused."""
    letter, _ = outputs(
        failed(RECORD, ValueError("first")), Failure("s", ValueError("x"), 1, AT), "transform", CODEC, 4
    )
    placed = Record(letter.topic, letter.partition, 5, letter.key, letter.value, letter.headers, 0)
    assert original(placed) == Output("in", 3, RECORD.key, RECORD.value, RECORD.headers)
    with pytest.raises(FatalError, match=r"dlq\.v1/3/5 does not say where it was consumed from"):
        original(replace(placed, headers=[]))
