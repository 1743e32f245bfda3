"""Tables: what is remembered of rows and records is never seen but in the time it saves."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import DecodeError
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.topics import TRANSFORM_STATE
from streams.runtime.layers import Layer
from streams.stages.decoded import decoded
from streams.stages.rows import Document, Match, Refund
from streams.stages.tables import Rows
from tests.unit.stages.kit import MemoryState

CODEC = Codec(LocalIds())
AMOUNTS = st.sampled_from([Decimal(5), Decimal("5.0000"), Decimal("-0.0000"), Decimal("7.25")])
REFUNDS = st.builds(
    Refund,
    st.sampled_from(["a", "b"]),
    AMOUNTS,
    refunded_on=st.none() | st.just(date(2026, 1, 1)),
    is_credit=st.booleans(),
)
MATCHES = st.builds(Match, st.lists(st.sampled_from("xy"), max_size=2) | st.just(("x",)))
STEPS = st.lists(st.tuples(st.sampled_from("kl"), REFUNDS | MATCHES | st.none(), st.booleans()))


@given(STEPS)
def test_a_row_reads_as_its_bytes_do(steps: list[tuple[str, Refund | Match | None, bool]]) -> None:
    """After any writes by records of which some fail: places of decimals and kinds of lists included."""
    state = MemoryState()
    for key, row, passes in steps:
        layer = Layer(state)
        rows = Rows("acme", layer, CODEC)
        if isinstance(row, Refund):
            rows.refunds.put(row, key)
        elif isinstance(row, Match):
            rows.matches.put(row, key)
        else:
            rows.refunds.drop(key)
            rows.matches.drop(key)
        rows.flush()
        if passes:
            for name, value in layer.rows.items():
                state.put(name, value)
        now = Rows("acme", state, CODEC)
        for table, kind in ((now.refunds, Refund), (now.matches, Match)):
            for place in "kl":
                data = table.raw(place)
                assert repr(table.get(place)) == repr(None if data is None else CODEC.decode_as(data, kind))


def test_what_is_set_is_seen_at_once_and_written_once() -> None:
    """Every way of reading sees it, whether it was written to the state by then or not."""
    state = Layer(MemoryState())
    rows = Rows("acme", state, CODEC)
    rows.matches.put(Match(["x"]), "kind", "a")
    rows.matches.put(Match(["y"]), "kind", "a")
    assert not state.rows
    assert rows.matches.get("kind", "a") == Match(["y"])
    assert rows.matches.scan("kind") == [(["a"], Match(["y"]))]
    rows.matches.drop("kind", "a")
    assert rows.matches.first("kind") is None
    rows.matches.put(Match(["z"]), "kind", "b")
    assert rows.matches.raw("kind", "b") == CODEC.encode(TRANSFORM_STATE, Match(["z"]))


def test_what_was_written_is_not_decoded() -> None:
    """The next record's work finds the very object; one that a reader would make otherwise is made anew."""
    state = MemoryState()
    same, other = Match(["x"]), Match(("x",))
    for row, key in ((same, "same"), (other, "other")):
        for codec, written, at in ((Codec(LocalIds()), other, "of another codec"), (CODEC, row, key)):
            rows = Rows("acme", state, codec)
            rows.matches.put(written, at)
            rows.flush()
    found = Rows("acme", state, CODEC).matches
    assert found.get("same") is same
    assert repr(found.get("other")) == "Match(ids=['x'])"


def test_bytes_of_another_type_are_refused() -> None:
    """Also if they are remembered."""
    data = decoded(CODEC).row_written(Match(["x"]))
    assert decoded(CODEC).row(data, Match) == Match(["x"])
    with pytest.raises(DecodeError, match=r"expected sluiceway\.state\.transform\.Document"):
        decoded(CODEC).row(data, Document)
    assert CODEC.encode(TRANSFORM_STATE, Match(["x"])) == data
