"""One record's fault stays with the record."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.errors import MappingError, RetryableError, UnknownSchemaError
from connectors.kafka.codec import Codec, LocalIds
from streams.runtime.breaker import Breaker, BreakerRule
from streams.runtime.guard import Guard, Work
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record, ShardLostError
from tests.unit.runtime.test_layers import Rows

GUARD = Guard("transform", Codec(LocalIds()), 4, 10_000, lambda: datetime(2026, 1, 2, tzinfo=UTC))


def records(*values: bytes) -> list[Record]:
    """Return records with these values."""
    return [Record("in", 1, at, b"k", value, [("x-tenant", b"acme")], 0) for at, value in enumerate(values)]


def handle(record: Record, layer: Layer) -> Sequence[Output]:
    """Count what passes, fail as the value says."""
    layer.put(b"count", b"%d" % (int(layer.get(b"count") or 0) + 1))
    layer.put(b"seen/%d" % record.offset, record.value)
    match record.value:
        case b"raise":
            raise MappingError("Account.Name", "must be\ud800text")
        case b"unknown":
            raise UnknownSchemaError(7)
        case b"registry":
            raise RetryableError("away")
        case b"lost":
            raise ShardLostError
        case b"big":
            return [Output("out", 0, b"k", b"v" * 10_000)]
        case b"headers":
            return [Output("out", 0, b"k", b"v", [("h", b"v" * 10_000)])]
        case b"row":
            layer.put(b"row", b"v" * 10_000)
    return [Output("out", 0, b"k", record.value)]


async def run(*values: bytes, breaker: Breaker | None = None) -> Work:
    """Run records through the guard."""
    return await GUARD.run(records(*values), Rows({}), handle, breaker or Breaker(BreakerRule(3, 1.0, 100)))


def outcome(work: Work) -> list[tuple[str, Any]]:
    """Return topic and value of all outputs but journal entries."""
    return [(output.topic, output.value) for output in work.outputs if output.topic != "journal.v1"]


@pytest.mark.parametrize("broken", [b"raise", b"big", b"headers", b"row"])
async def test_a_broken_record_becomes_a_dead_letter(broken: bytes) -> None:
    """Its bytes, key and headers go to the DLQ, its rows are dropped, its neighbours pass."""
    work = await run(b"a", broken, b"b")
    assert outcome(work) == [("out", b"a"), ("dlq.v1", broken), ("out", b"b")]
    letter = work.outputs[1]
    assert (letter.key, letter.partition) == (b"k", 1)
    headers = dict(letter.headers)
    assert (headers["x-tenant"], headers["__connect.errors.offset"]) == (b"acme", b"1")
    assert headers["x-error-class"] == (b"MappingError" if broken == b"raise" else b"TooLargeError")
    assert work.rows == {b"count": b"2", b"seen/0": b"a", b"seen/2": b"b"}
    assert (work.count, work.tripped) == (3, False)


async def test_the_reason_survives_what_utf8_cannot_hold() -> None:
    """A lone surrogate from JSON in an error's text is escaped; it must not make the dead letter fail too."""
    work = await run(b"raise")
    headers = dict(work.outputs[0].headers)
    assert b"must be\\ud800text" in headers["__connect.errors.exception.message"]
    assert headers["x-field"] == b"Account.Name"


async def test_the_run_of_failures_that_opens_the_breaker_is_taken_back() -> None:
    """Records before it are kept, dead letters among them too."""
    work = await run(b"raise", b"a", b"raise", b"raise", b"raise", b"b")
    assert (work.tripped, work.count) == (True, 2)
    assert outcome(work) == [("dlq.v1", b"raise"), ("out", b"a")]
    assert work.rows == {b"count": b"1", b"seen/1": b"a"}


@pytest.mark.parametrize(
    ("value", "error"), [(b"unknown", UnknownSchemaError), (b"registry", RetryableError), (b"lost", ShardLostError)]
)
async def test_what_is_not_the_records_fault_is_passed_on(value: bytes, error: type[Exception]) -> None:
    """Nothing is kept, and trying again and again does not count the failures before it again and again."""
    breaker = Breaker(BreakerRule(3, 1.0, 100))
    for _ in range(5):
        with pytest.raises(error):
            await run(b"a", b"raise", value, breaker=breaker)
    assert breaker.dump() is None


def test_a_probe_passes_if_any_record_does() -> None:
    """Each on its own; nothing is kept."""
    state = Rows({})
    assert not GUARD.passes(records(b"raise", b"unknown"), state, handle)
    assert GUARD.passes(records(b"raise", b"a"), state, handle)
    assert state.rows == {}
