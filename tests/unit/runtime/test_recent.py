"""The memory of what was used lately: right or silent, and never larger than its room."""

from hypothesis import given
from hypothesis import strategies as st

from streams.recent import BESIDE, MISSING, Recent

KEYS = st.integers(0, 9)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), KEYS, st.none() | st.integers(), st.integers(0, BESIDE)),
        st.tuples(st.sampled_from(["get", "drop"]), KEYS),
    )
)


@given(STEPS)
def test_what_it_says_is_the_latest_that_was_put(steps: list[tuple[object, ...]]) -> None:
    """Or that it does not know, and it is never larger than it may be."""
    recent, model = Recent[object, object](8 * BESIDE), dict[object, object]()
    for what, key, *value in steps:
        if what == "put":
            recent.put(key, value[0], int(str(value[1])))
            model[key] = value[0]
        elif what == "drop":
            recent.drop(key)
            model.pop(key, None)
        else:
            assert recent.get(key) in (MISSING, model.get(key, MISSING))
        for half in (recent._younger, recent._older):
            assert sum(size for _, size in half.values()) <= 4 * BESIDE


def test_what_is_asked_for_stays() -> None:
    """However much else comes and goes; what is not is forgotten, and what is too large is not kept at all."""
    recent = Recent[int, str](8 * BESIDE)
    recent.put(0, "asked for", 0)
    recent.put(1, "left alone", 0)
    for number in range(2, 50):
        recent.put(number, "other", 0)
        assert recent.get(0) == "asked for"
    recent.put(0, "too large", 4 * BESIDE)
    assert (recent.get(0), recent.get(1)) == (MISSING, MISSING)
