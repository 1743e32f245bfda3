"""What every source's stored cursor has in common: one JSON object with a `format`, and what holds of a strange one.

A cursor that a later release wrote is never taken for none, nor read by guess: reading everything again could flood the
books, reading on from a wrong place would skip. The source stops and says so; nothing is lost meanwhile, as the cursor
stays where it is.
"""

import json
import zlib
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from connectors.errors import FatalError
from connectors.wire import loads

T = TypeVar("T")
K = TypeVar("K", str, int)
SEEN_MOST = 5000
"""How many records a cursor remembers; beyond it records repeat, none is lost."""
WORTH_STORING = 500


def write(format_: int, content: Mapping[str, Any]) -> str:
    """Write a cursor; `format_` counts up with every change that an older release would read wrongly."""
    # Not by `wire.dumps`: there are no amounts in it, and it is written with every page.
    return json.dumps({"format": format_, **content}, separators=(",", ":"))


def read(cursor: str, where: str, format_: int, build: Callable[[Mapping[str, Any]], T]) -> T:
    """Read a cursor of this format; `where` names the connection as `accounts.where` does.

    Raises:
        FatalError: a later release wrote it, or it cannot be read; the message says what to do.
    """
    try:
        stored = loads(cursor)
        found = stored["format"]
        if found == format_:
            return build(stored)
        if not isinstance(found, int) or found < format_:
            raise ValueError(f"format {found!r}")  # noqa: TRY301  one message for all of them
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, zlib.error) as error:
        raise FatalError(
            f"{where}: the stored cursor is unreadable ({type(error).__name__}: {error}); nothing is read until the "
            "state it is in is put back, or the account is connected under another tenant to be read from its beginning"
        ) from None
    raise FatalError(
        f"{where}: a later release wrote the stored cursor (format {found}, this one reads {format_}); start that "
        "release or a newer one: it goes on where it stopped, and nothing is read or skipped before"
    )


def latest(seen: Mapping[K, tuple[int, int]], since: int = 0) -> dict[K, tuple[int, int]]:
    """Return what stays remembered, by id stamp and digest: stamped at `since` or later, `SEEN_MOST` at most."""
    kept = sorted((mark, id_) for id_, mark in seen.items() if mark[0] >= since)
    return {id_: mark for mark, id_ in kept[-SEEN_MOST:]}


def worth_storing(before: int, after: int) -> bool:
    """Tell whether a page without news moves the stored cursor: when that forgets many records, or the last ones."""
    return before - after >= WORTH_STORING or (before > 0 and after == 0)
