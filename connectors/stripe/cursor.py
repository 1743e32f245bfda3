"""Where reading resumes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from connectors import cursors

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where an account stands.

    Attributes:
        anchor: id of the event before which everything was read; None: there was none yet.
        seen: ids of the events behind the anchor that were followed, with their second.
        left: the lists of a backfill that are still to be read, the one under way first.
        after: id of the last object read of that one.
    """

    anchor: str | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
    left: tuple[str, ...] = ()
    after: str | None = None

    def after_events(self, events: Sequence[tuple[str, int]], settled: int) -> "Cursor":
        """Return the position once these events, id and second, oldest first and next to the anchor, were followed.

        The anchor moves up to the last one of the list before which nothing appears any more: `settled`. Beyond
        `SEEN_MOST` it moves all the same, and the oldest of the memory goes.
        """
        known = {**self.seen, **dict(events)}
        anchor = self.anchor
        for id_, second in events:
            if second > settled and len(known) <= cursors.SEEN_MOST:
                break
            anchor = id_
            known.pop(id_)
        return Cursor(anchor, known, self.left, self.after)

    def encode(self) -> str:
        """Write the cursor."""
        stored = {"anchor": self.anchor, "seen": self.seen, "left": self.left, "after": self.after}
        return cursors.write(FORMAT, stored)


def decode(cursor: str | None, where: str) -> Cursor | None:
    """Read a cursor, None: from the beginning; `where` names the connection.

    Raises:
        FatalError: see `cursors.read`.
    """
    return None if cursor is None else cursors.read(cursor, where, FORMAT, _cursor)


def _cursor(stored: Mapping[str, Any]) -> Cursor:
    return Cursor(stored["anchor"], dict(stored["seen"]), tuple(stored["left"]), stored["after"])
