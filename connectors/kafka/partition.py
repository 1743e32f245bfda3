"""Which partition a tenant lives in. Clients' default partitioners differ, so this one is always passed explicitly."""

from functools import lru_cache

MASK = 0xFFFFFFFF
M = 0x5BD1E995
SEED = 0x9747B28C


def murmur2(data: bytes) -> int:
    """Return Kafka's own 32-bit murmur2 of `data` (org.apache.kafka.common.utils.Utils.murmur2), unsigned."""
    length = len(data)
    h = SEED ^ length
    tail = length & ~3
    for i in range(0, tail, 4):
        k = int.from_bytes(data[i : i + 4], "little") * M & MASK
        k = (k ^ k >> 24) * M & MASK
        h = (h * M & MASK) ^ k
    if length > tail:
        h = (h ^ int.from_bytes(data[tail:], "little")) * M & MASK
    h = (h ^ h >> 13) * M & MASK
    return h ^ h >> 15


@lru_cache(maxsize=65536)
def partition_for(key: str, partitions: int) -> int:
    """Return the partition of `key` (a tenant, or a canonical id on canonical topics) among `partitions`."""
    return (murmur2(key.encode()) & 0x7FFFFFFF) % partitions
