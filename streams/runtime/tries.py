"""Finds the record that kills the process: how often a chunk was begun and never committed."""

import json
from dataclasses import asdict, dataclass

TRYING = b"\x00trying"
SINGLY = 3
GIVE_UP = 5
NARROWER = 16


@dataclass(frozen=True, slots=True)
class Trying:
    """Committed before a chunk is computed.

    Attributes:
        offset: of the chunk's first record.
        count: tries begun at this record, this one included.
        end: the offset after the chunk.
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
    """What the former term's last try means for this term.

    A chunk that is announced is committed before the next one is computed. So when the process dies in one, the next
    term begins with that chunk's first record, and knows that the fault is between `offset` and `end`.

    Args:
        before: the last row, None if there is none.
        reach: offsets that may lie between what was committed and what was computed when the last term ended.
    """

    def __init__(self, before: Trying | None, reach: int) -> None:
        self._before = before
        self._reach = reach
        self._careful_until: int | None = None

    def limit(self, offset: int, most: int) -> int:
        """Return how many records the chunk that begins with the record at `offset` may have."""
        if self._careful_until is None:
            self._begin(offset)
        before = self._suspicion(offset)
        if before is None:
            return most
        if before.count >= SINGLY:
            return 1
        return max(1, min(most, (before.end - before.offset) // NARROWER))

    def row(self, offset: int, end: int) -> bytes | None:
        """Return what to commit before the chunk `[offset, end)` is computed; None: it need not be announced."""
        before = self._suspicion(offset)
        if before is None and self._careful_until is not None and offset >= self._careful_until:
            return None
        return Trying(offset, before.count + 1 if before else 1, end).dump()

    def given_up(self, offset: int) -> int | None:
        """Return the number of tries if the record at `offset` has killed the process too often, else None."""
        before = self._suspicion(offset)
        return before.count if before is not None and before.offset == offset and before.count >= GIVE_UP else None

    def at_end(self, offset: int) -> None:
        """Note that what comes from `offset` on is new: no former term can have tried it."""
        if self._careful_until is not None:
            self._careful_until = min(self._careful_until, offset)

    def _begin(self, offset: int) -> None:
        # By record, not by where the group's offset stands: transaction markers lie between the two.
        if self._before is not None and self._before.offset != offset:
            self._before = None
        self._careful_until = offset + self._reach

    def _suspicion(self, offset: int) -> Trying | None:
        return self._before if self._before is not None and offset < self._before.end else None
