"""One object's records: by id, by the time of their last change, and by the value of a field."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

Record: TypeAlias = dict[str, Any]

_ENDLESS = float("inf")


class Table:
    """Records in the order of their ids; ids only grow. Every other order and index is kept once it is asked for."""

    def __init__(self, rows: Iterable[Record]) -> None:
        self.rows: dict[int, Record] = {row["id"]: row for row in rows}
        self._ids = list(self.rows)
        self._times: list[tuple[str, int]] | None = None
        self._having: dict[str, dict[Any, set[int]]] = {}

    def get(self, record_id: int) -> Record | None:
        """One record."""
        return self.rows.get(record_id)

    def put(self, record: Record) -> None:
        """Add a record, or replace one."""
        former = self.rows.get(record["id"])
        if former is None:
            self._ids.append(record["id"])
        else:
            self._unindex(former)
        self.rows[record["id"]] = record
        if self._times is not None:
            insort(self._times, _moment(record))
        for field, index in self._having.items():
            index.setdefault(_folded(record.get(field)), set()).add(record["id"])

    def remove(self, record_id: int) -> None:
        """Take a record away."""
        self._unindex(self.rows.pop(record_id))
        del self._ids[bisect_left(self._ids, record_id)]

    def _unindex(self, record: Record) -> None:
        if self._times is not None:
            del self._times[bisect_left(self._times, _moment(record))]
        for field, index in self._having.items():
            index[_folded(record.get(field))].discard(record["id"])

    def above(self, record_id: int) -> Iterator[Record]:
        """The records with a greater id, in order."""
        return (self.rows[found] for found in self._ids[bisect_right(self._ids, record_id) :])

    def between(self, low: tuple[str, int], high: str | None) -> range:
        """Places, in the order of time, of what was changed after `low` and not after `high`."""
        times = self._ordered()
        end = len(times) if high is None else bisect_right(times, (high, _ENDLESS))
        return range(bisect_right(times, low), end)

    def placed(self, places: range) -> Iterator[Record]:
        """The records at these places in the order of time."""
        times = self._ordered()
        return (self.rows[times[place][1]] for place in places)

    def _ordered(self) -> list[tuple[str, int]]:
        if self._times is None:
            self._times = sorted(map(_moment, self.rows.values()))
        return self._times

    def having(self, field: str, value: Any) -> list[Record]:
        """The records with that value of a field, whatever the case of a text, in the order of their ids."""
        if field not in self._having:
            index: dict[Any, set[int]] = {}
            for row in self.rows.values():
                index.setdefault(_folded(row.get(field)), set()).add(row["id"])
            self._having[field] = index
        return [self.rows[found] for found in sorted(self._having[field].get(_folded(value), ()))]


def _moment(record: Record) -> tuple[str, int]:
    return record.get("updatedAt") or "", record["id"]


def _folded(value: Any) -> Any:
    return value.casefold() if isinstance(value, str) else value
