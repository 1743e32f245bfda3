"""Where reading a company resumes: pure values, written as one JSON text."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from connectors import cursors
from connectors.quickbooks.budget import Spent
from connectors.quickbooks.known import KnownIds
from connectors.wire import iso_micros, parse_instant

FORMAT = 1


@dataclass(frozen=True, slots=True)
class Window:
    """Objects of one entity still to be read by query: last updated from `since` (None: ever) until before `until`.

    Rows only leave a window, by being edited again, and stand in the order of their ids. So pages are read from the
    last one back: what leaves moves rows to places that are still to be read, never past them.

    Attributes:
        left: rows not read yet, None before they were counted.
    """

    entity: str
    since: datetime | None
    until: datetime
    left: int | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """What has been told of one company.

    Attributes:
        entities: those that are read; one that is new in the settings is not among them yet.
        since: every change before this instant of QuickBooks' clock was told, or is in `windows` or `listings`.
        swept_at: when that was, by our clock.
        seen: digests of what was told of the last overlap, by `entity/id`.
        windows: what is to be read by query.
        listings: entities whose ids are to be listed, to find what was deleted.
        known: the ids told of, by entity.
        spent: metered reads of the connection.
    """

    entities: tuple[str, ...] = ()
    since: datetime | None = None
    swept_at: datetime | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
    windows: tuple[Window, ...] = ()
    listings: tuple[str, ...] = ()
    known: Mapping[str, KnownIds] = field(default_factory=dict)
    spent: Spent = field(default_factory=Spent)

    @property
    def unread(self) -> bool:
        """Tell whether something is still to be read by query."""
        return bool(self.windows or self.listings)


def encode(position: Position) -> str:
    """Write a cursor."""
    return cursors.write(
        FORMAT,
        {
            "entities": position.entities,
            "since": _text(position.since),
            "swept_at": _text(position.swept_at),
            "seen": position.seen,
            "windows": [[w.entity, _text(w.since), _text(w.until), w.left] for w in position.windows],
            "listings": position.listings,
            "known": {entity: ids.blocks for entity, ids in position.known.items()},
            "spent": [position.spent.month, position.spent.reads],
        },
    )


def decode(cursor: str | None, where: str) -> Position:
    """Read a cursor; `where` names the connection.

    Raises:
        FatalError: see `cursors.read`.
    """
    return Position() if cursor is None else cursors.read(cursor, where, FORMAT, _position)


def _position(stored: Mapping[str, Any]) -> Position:
    windows = (Window(e, _instant(since), parse_instant(until), left) for e, since, until, left in stored["windows"])
    return Position(
        entities=tuple(stored["entities"]),
        since=_instant(stored["since"]),
        swept_at=_instant(stored["swept_at"]),
        seen=stored["seen"],
        windows=tuple(windows),
        listings=tuple(stored["listings"]),
        known={entity: KnownIds(blocks) for entity, blocks in stored["known"].items()},
        spent=Spent(*stored["spent"]),
    )


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else iso_micros(instant)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_instant(text)
