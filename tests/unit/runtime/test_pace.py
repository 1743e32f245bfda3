"""Chunks take as long as they may, no longer."""

import pytest

from streams.runtime.pace import Pace


def test_a_first_chunk_is_small() -> None:
    """Nothing is known yet."""
    assert (Pace(0.5, 4000).limit, Pace(0.5, 7).limit) == (100, 7)


@pytest.mark.parametrize(("seconds", "limit"), [(1e-6, 4000), (0.001, 500), (10.0, 1)])
def test_chunks_follow_the_time_per_record(seconds: float, limit: int) -> None:
    """Never none, never more than the most."""
    pace = Pace(0.5, 4000)
    pace.observe(10, 10 * seconds)
    assert pace.limit == limit


def test_one_slow_chunk_is_no_rule() -> None:
    """The estimate moves a fifth of the way."""
    pace = Pace(0.5, 4000)
    pace.observe(100, 0.1)
    pace.observe(100, 0.6)
    assert pace.limit == 250
