"""The source's stored cursor: where each object's walk stands, and the calls it has spent today."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from connectors import cursors
from connectors.pardot.cursor import Pass, Tail
from connectors.wire import iso_micros, parse_instant

FORMAT = 1
Walk = Pass | Tail


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Everything the source knows between two reads.

    Attributes:
        walks: by object.
        day: the account's day, `2026-01-31`, on which `calls` were spent.
    """

    walks: Mapping[str, Walk] = field(default_factory=dict)
    day: str = ""
    calls: int = 0


def encode(checkpoint: Checkpoint) -> str:
    """Write a cursor."""
    walks = {name: _plain(walk) for name, walk in checkpoint.walks.items()}
    return cursors.write(FORMAT, {"day": checkpoint.day, "calls": checkpoint.calls, "objects": walks})


def decode(cursor: str | None, where: str) -> Checkpoint:
    """Read a cursor; `where` names the connection.

    Raises:
        FatalError: see `cursors.read`.
    """
    return Checkpoint() if cursor is None else cursors.read(cursor, where, FORMAT, _checkpoint)


def _checkpoint(stored: Mapping[str, Any]) -> Checkpoint:
    walks = {name: _walk(value) for name, value in stored["objects"].items()}
    return Checkpoint(walks, str(stored["day"]), int(stored["calls"]))


def _plain(walk: Walk) -> dict[str, Any]:
    shared = {"begun": iso_micros(walk.begun) if walk.begun else None, "seen": walk.seen, "after": walk.after}
    if isinstance(walk, Pass):
        return {"at": iso_micros(walk.at), "span": int(walk.span.total_seconds()), **shared}
    return {"since": walk.since, **shared}


def _walk(value: Mapping[str, Any]) -> Walk:
    seen = {int(id_): (stamp, digest) for id_, (stamp, digest) in value["seen"].items()}
    begun: datetime | None = parse_instant(value["begun"]) if value["begun"] else None
    if "at" in value:
        return Pass(parse_instant(value["at"]), timedelta(seconds=value["span"]), value["after"], begun, seen)
    return Tail(value["since"], value["after"], begun, seen)
