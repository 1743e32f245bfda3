"""murmur2 and the placement of keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.partition import murmur2, partition_for

# org.apache.kafka.common.utils.UtilsTest.testMurmur2: signed 32-bit values.
KAFKAS_OWN = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("data", "expected"), KAFKAS_OWN.items())
def test_murmur2_gives_the_values_of_kafkas_own_test(data: bytes, expected: int) -> None:
    """Our murmur2 is Kafka's."""
    assert murmur2(data) == expected & 0xFFFFFFFF


@given(st.text(max_size=60), st.integers(min_value=1, max_value=500))
def test_every_key_has_one_place(key: str, partitions: int) -> None:
    """A place lies within the partitions and is the same each time it is asked."""
    place = partition_for(key, partitions)
    assert 0 <= place < partitions
    assert place == (murmur2(key.encode()) & 0x7FFFFFFF) % partitions


def test_tenants_spread_over_all_partitions() -> None:
    """A thousand tenants leave none of twelve partitions empty, and none with twice its share."""
    counts = [0] * 12
    for i in range(1000):
        counts[partition_for(f"tenant-{i}", 12)] += 1
    assert min(counts) > 0
    assert max(counts) < 2 * 1000 / 12
