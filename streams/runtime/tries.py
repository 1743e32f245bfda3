"""Finds the record that kills the process: how often a chunk or record was begun and never committed."""

import json
from dataclasses import asdict, dataclass

TRYING = b"\x00trying"
SINGLY = 3
GIVE_UP = 5


@dataclass(frozen=True, slots=True)
class Trying:
    """Committed before the first chunk of a term.

    Attributes:
        offset: where the chunk begins.
        count: tries begun at this offset, this one included.
        end: the offset after the chunk; up to there a suspicious chunk goes record by record.
    """

    offset: int
    count: int
    end: int

    def dump(self) -> bytes:
        """Return the row."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def load(cls, row: bytes | None) -> "Trying | None":
        """Read the row."""
        return cls(**json.loads(row)) if row else None


class Tries:
    """What the former terms' tries mean for this one.

    Args:
        before: the last term's row, None if there is none.
    """

    def __init__(self, before: Trying | None) -> None:
        self._before = before
        self._first = True
        self._singly_until = -1
        self._count = 1

    def begin(self, offset: int) -> None:
        """Say at which offset this term begins."""
        before = self._before
        if before is not None and before.offset == offset:
            self._count = before.count + 1
            if before.count >= SINGLY:
                self._singly_until = before.end

    def chunk_limit(self, offset: int, limit: int) -> int:
        """Return how many records the chunk from `offset` may have."""
        return 1 if offset < self._singly_until else limit

    def give_up(self, offset: int) -> int | None:
        """Return the number of tries if the record at `offset` has killed the process too often, else None."""
        before = self._before
        if before is not None and before.offset == offset and before.count >= GIVE_UP:
            return before.count
        return None

    def row(self, offset: int, end: int) -> bytes | None:
        """Return what to commit before the chunk `[offset, end)` is begun; None: nothing."""
        if not self._first and offset >= self._singly_until:
            return None
        self._first = False
        return Trying(offset, self._count, max(end, self._singly_until)).dump()
