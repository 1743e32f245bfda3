"""The writes of one connection that are still to be done: lanes, worked side by side, each in order."""

import heapq
from bisect import insort
from dataclasses import dataclass
from datetime import datetime

from streams.delivery.counts import TodoCounts
from streams.delivery.todo import Todo
from streams.delivery.waits import until

ASIDE = frozenset({"parent", "review"})
"""Who waits for one of these lets the rest of the lane pass: what it waits for may be behind it."""


@dataclass(frozen=True, slots=True)
class Admission:
    """What taking a todo into the list changed.

    Attributes:
        kept: the row to be written, None if it is as it was.
        dropped: the todo that is not needed any more; its row is to be removed.
    """

    kept: Todo | None = None
    dropped: Todo | None = None


class WorkList:
    """Todos by lane. A todo is *started* while it is in hand or its attempt is open; only others are replaced."""

    def __init__(self, counts: TodoCounts) -> None:
        self._counts = counts
        self._todos: dict[int, Todo] = {}
        self._lanes: dict[str, list[tuple[int, int]]] = {}
        self._objects: dict[str, list[int]] = {}
        self._children: dict[str, set[int]] = {}
        self._started: set[int] = set()
        self._in_hand: set[str] = set()
        self._stamps: dict[str, int] = {}
        self._ready: list[tuple[int, int, int, str]] = []
        self._timed: list[tuple[datetime, int, str]] = []
        self._stamp = 0

    def __len__(self) -> int:
        return len(self._todos)

    def has(self, object_key: str) -> bool:
        """Tell whether something is to be done for an object."""
        return object_key in self._objects

    def add(self, todo: Todo, *, started: bool = False) -> Admission:
        """Take a todo in, in its own place or in that of the one it replaces."""
        if todo.row.offset in self._todos:
            return Admission()
        others = self._objects.get(todo.command.object_key, [])
        last = self._todos[others[-1]] if others else None
        if last is None:
            self._insert(todo, started=started)
            return Admission()
        if todo.command.version < last.command.version:
            return Admission(dropped=todo)
        if last.row.offset in self._started or started:
            # Still in its object's lane, whatever the command says: never two calls at once for one object.
            moved = todo if todo.row.lane == last.row.lane else todo.changed(lane=last.row.lane)
            self._insert(moved, started=started)
            return Admission(kept=None if moved is todo else moved)
        self.remove(last)
        kept = todo.supersedes(last)
        self._insert(kept, started=False)
        return Admission(kept=kept, dropped=last)

    def take(self, now: datetime) -> Todo | None:
        """Return the next todo, live before backfill, then by place, and hold its lane; None: nothing is ready."""
        self._promote(now)
        while self._ready:
            _, _, stamp, lane = heapq.heappop(self._ready)
            if self._stamps.get(lane) != stamp:
                continue
            todo, _ = self._candidate(lane, now)
            if todo is None:
                self._schedule(lane, now)
                continue
            self._in_hand.add(lane)
            self._started.add(todo.row.offset)
            return todo
        return None

    def wait(self, now: datetime) -> float | None:
        """Return the seconds until something is ready, None if that takes another event."""
        self._promote(now)
        while self._ready and self._stamps.get(self._ready[0][3]) != self._ready[0][2]:
            heapq.heappop(self._ready)
        if self._ready:
            return 0.0
        return until(self._timed[0][0], now) if self._timed else None

    def put_back(self, todo: Todo, now: datetime, *, started: bool = False) -> None:
        """Return a todo taken before, changed perhaps; `started`: its attempt stays open."""
        self._forget_parent(self._todos[todo.row.offset])
        self._counts.move(self._todos[todo.row.offset], todo)
        self._todos[todo.row.offset] = todo
        if not started:
            self._started.discard(todo.row.offset)
        self._remember_parent(todo)
        self._in_hand.discard(todo.row.lane)
        self._schedule(todo.row.lane, now)

    @property
    def priority(self) -> int:
        """The priority of what is ready; ask after `wait` has returned 0."""
        return self._ready[0][0]

    def newer(self, todo: Todo) -> Todo | None:
        """Return the todo that waits behind a started one of the same object."""
        later = [offset for offset in self._objects[todo.command.object_key] if offset != todo.row.offset]
        return self._todos[later[-1]] if later else None

    def remove(self, todo: Todo, now: datetime | None = None) -> None:
        """Forget a settled or replaced todo; with `now` its lane goes on."""
        offset, lane = todo.row.offset, todo.row.lane
        known = self._todos.pop(offset)
        self._counts.removed(known)
        self._forget_parent(known)
        self._started.discard(offset)
        same = self._objects[todo.command.object_key]
        same.remove(offset)
        if not same:
            del self._objects[todo.command.object_key]
        self._lanes[lane].remove((known.row.place, offset))
        if now is None:
            return
        self._in_hand.discard(lane)
        self._schedule(lane, now)

    def replace(self, older: Todo, newer: Todo, now: datetime) -> Todo:
        """Put `newer` in the place of `older`, which was in hand and is unstarted now; return it as it is then."""
        self.remove(newer, None)
        self.remove(older, now)
        kept = newer.supersedes(older)
        self._insert(kept, started=False)
        return kept

    def release(self, object_key: str, now: datetime) -> None:
        """Let those who wait for an object try again now."""
        for offset in tuple(self._children.get(object_key, ())):
            todo = self._todos[offset]
            self._todos[offset] = todo.waiting("parent", now)
            self._schedule(todo.row.lane, now)

    def _insert(self, todo: Todo, *, started: bool) -> None:
        row = todo.row
        self._todos[row.offset] = todo
        self._counts.added(todo)
        insort(self._lanes.setdefault(row.lane, []), (row.place, row.offset))
        self._objects.setdefault(todo.command.object_key, []).append(row.offset)
        if started:
            self._started.add(row.offset)
        self._remember_parent(todo)
        self._schedule(row.lane, todo.row.taken_at)

    def _schedule(self, lane: str, now: datetime) -> None:
        """Enter the lane's next todo into the queues; entries with an older stamp are void."""
        self._stamp += 1
        if not self._lanes[lane]:
            del self._lanes[lane]
            self._stamps.pop(lane, None)
            return
        self._stamps[lane] = self._stamp
        if lane in self._in_hand:
            return
        todo, at = self._candidate(lane, now)
        if todo is not None:
            heapq.heappush(self._ready, (todo.priority, todo.row.place, self._stamp, lane))
        elif at is not None:
            heapq.heappush(self._timed, (at, self._stamp, lane))

    def _promote(self, now: datetime) -> None:
        while self._timed:
            at, stamp, lane = self._timed[0]
            if self._stamps.get(lane) == stamp and at > now:
                return
            heapq.heappop(self._timed)
            if self._stamps.get(lane) == stamp:
                self._schedule(lane, now)

    def _candidate(self, lane: str, now: datetime) -> tuple[Todo | None, datetime | None]:
        """Return the todo whose turn it is, or when to look again."""
        times: list[datetime] = []
        for _, offset in self._lanes[lane]:
            todo = self._todos[offset]
            reason, not_before = todo.row.reason, todo.row.not_before
            aside = reason in ASIDE
            if not_before is not None and not_before > now:
                times.append(not_before)
            elif not (aside and not_before is None):
                return todo, None
            if not aside:
                break
        return None, min(times, default=None)

    def _remember_parent(self, todo: Todo) -> None:
        if todo.row.reason == "parent" and todo.row.parent is not None:
            self._children.setdefault(todo.row.parent, set()).add(todo.row.offset)

    def _forget_parent(self, todo: Todo) -> None:
        parent = todo.row.parent
        if parent in self._children:
            self._children[parent].discard(todo.row.offset)
            if not self._children[parent]:
                del self._children[parent]
