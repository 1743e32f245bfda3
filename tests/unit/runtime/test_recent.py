"""The memory of what was used lately: right or silent, and never larger than its room."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from streams.recent import BESIDE, MISSING, Recent

KEYS = st.integers(0, 9)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.integers(0, BESIDE)),
        st.tuples(st.sampled_from(["get", "drop"]), KEYS),
    )
)


@given(STEPS)
def test_what_it_says_is_the_latest_that_was_put(steps: list[tuple[Any, ...]]) -> None:
    """Or that it does not know, and it is never larger than it may be."""
    recent, model = Recent[object, int](8 * BESIDE, lambda _, value: value), dict[object, int]()
    for what, key, *value in steps:
        if what == "put":
            recent.put(key, value[0])
            model[key] = value[0]
        elif what == "drop":
            recent.drop(key)
            model.pop(key, None)
        else:
            assert recent.get(key) in (MISSING, model.get(key, MISSING))
        used, kept = (sum(half.values()) + len(half) * BESIDE for half in (recent._younger, recent._older))
        assert max(used, kept) <= 4 * BESIDE
        assert 0 <= recent._left <= 4 * BESIDE - used


def test_what_is_asked_for_stays() -> None:
    """However much else comes and goes; what is not is forgotten, and what is too large is not kept at all."""
    recent = Recent[int, str](8 * BESIDE, lambda _, value: len(value))
    recent.put(0, "asked for")
    recent.put(1, "left alone")
    for number in range(2, 50):
        recent.put(number, "other")
        assert recent.get(0) == "asked for"
    recent.put(0, "too large" * BESIDE)
    assert (recent.get(0), recent.get(1)) == (MISSING, MISSING)
