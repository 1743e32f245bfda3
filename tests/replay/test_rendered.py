"""Recorded events with and without the memory of what was rendered."""

import pytest

from streams.stages import rendered
from tests.replay.run import replay

EVENTS = 1_000


@pytest.mark.parametrize("order", [0, 5])
def test_rendering_everything_gives_the_same_bytes(monkeypatch: pytest.MonkeyPatch, order: int) -> None:
    """Every output and every row of the first recorded events, as they came or shuffled, vendors' answers included."""
    with_memory = replay(order, EVENTS).digests()
    monkeypatch.setattr(rendered, "digest_of", lambda _key, _made_of: None)
    assert replay(order, EVENTS).digests() == with_memory
