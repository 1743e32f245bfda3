"""Row overlays against a plain dict."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.layers import Layer

KEYS = st.sampled_from(
    [b"", b"a", b"a\x1f", b"a\x1f1", b"a\x1f2", b"ab", b"ab\x1f1", b"b\x1f1", b"b\x1f1\x1f2", b"\xff", b"\xff\xff"]
)
WRITES = st.lists(st.tuples(KEYS, st.none() | st.sampled_from([b"", b"x", b"y"])), max_size=8)
Writes = list[tuple[bytes, bytes | None]]


class Rows:
    """Rows in a dict."""

    def __init__(self, rows: dict[bytes, bytes]) -> None:
        self.rows = rows

    def get(self, key: bytes) -> bytes | None:
        """Return a row."""
        return self.rows.get(key)

    def scan(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield rows in key order."""
        return iter(sorted((key, value) for key, value in self.rows.items() if key.startswith(prefix)))


@given(st.dictionaries(KEYS, st.binary(max_size=2)), WRITES, WRITES, KEYS)
def test_layers_read_as_one_dict(below: dict[bytes, bytes], lower: Writes, upper: Writes, prefix: bytes) -> None:
    """Two layers over rows show what a dict shows after the same writes and deletes, folded or not."""
    first = Layer(Rows(below))
    second = Layer(first)
    model = dict(below)
    for layer, writes in ((first, lower), (second, upper)):
        for key, value in writes:
            layer.put(key, value)
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
    expected = Rows(model)
    assert list(second.scan(prefix)) == list(expected.scan(prefix))
    assert second.get(prefix) == expected.get(prefix)
    second.fold(first)
    assert list(first.scan(prefix)) == list(expected.scan(prefix))


@given(st.lists(st.tuples(WRITES, KEYS), max_size=4))
def test_scans_see_what_was_written_since_the_last(steps: list[tuple[Writes, bytes]]) -> None:
    """However writes and scans take turns, a scan shows every row so far."""
    layer, model = Layer(Rows({})), dict[bytes, bytes]()
    for writes, prefix in steps:
        for key, value in writes:
            layer.put(key, value)
            if value is None:
                model.pop(key, None)
            else:
                model[key] = value
        assert list(layer.scan(prefix)) == list(Rows(model).scan(prefix))


@given(WRITES, KEYS)
def test_a_dropped_layer_leaves_nothing(writes: Writes, prefix: bytes) -> None:
    """What was written into a layer that is not folded is not there."""
    first = Layer(Rows({b"a": b"1"}))
    for key, value in writes:
        Layer(first).put(key, value)
    assert list(first.scan(prefix)) == list(Rows({b"a": b"1"}).scan(prefix))
