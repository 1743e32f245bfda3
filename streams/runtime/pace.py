"""How many records make a chunk: all there are, but never more than a given time of work."""

SMOOTHING = 0.2


class Pace:
    """Learns the time per record and sizes chunks by it.

    Args:
        seconds: what a chunk may take.
        most: records in a chunk at most.
    """

    def __init__(self, seconds: float, most: int) -> None:
        self._seconds = seconds
        self._most = most
        self._per_record = 0.0

    @property
    def limit(self) -> int:
        """Return the most records the next chunk may have."""
        if self._per_record <= 0:
            return min(100, self._most)
        return max(1, min(self._most, int(self._seconds / self._per_record)))

    def observe(self, records: int, seconds: float) -> None:
        """Learn from a finished chunk."""
        per_record = seconds / records
        if self._per_record <= 0:
            self._per_record = per_record
        self._per_record += SMOOTHING * (per_record - self._per_record)
