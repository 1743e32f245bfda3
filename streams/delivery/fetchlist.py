"""The fetches of one connection that are still to be done, gathered by object so that many are read at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from streams.delivery.counts import TodoCounts
from streams.delivery.todo import ALONE, Todo
from streams.delivery.waits import after, until
from streams.delivery.worklist import Admission

MOST_IDS = 50
LONGEST_GATHERING = 3.0


@dataclass(frozen=True, slots=True)
class Round:
    """Todos of one object type that are read with one call."""

    object: str
    todos: Sequence[Todo]


class FetchList:
    """Fetch todos; only those that nobody has in hand coalesce: what is being read may already be out of date."""

    def __init__(self, counts: TodoCounts) -> None:
        self._counts = counts
        self._todos: dict[int, Todo] = {}
        self._waiting: dict[str, int] = {}  # object key → offset of the todo that nobody has in hand
        self._arrived: dict[str, datetime] = {}  # object type → last arrival

    def __len__(self) -> int:
        return len(self._todos)

    def add(self, todo: Todo, now: datetime) -> Admission:
        """Take a fetch in; of two for one object one is enough, the later promise holds."""
        if todo.row.offset in self._todos:
            return Admission()
        self._arrived[todo.command.object] = now
        known = self._waiting.get(todo.command.object_key)
        if known is None:
            self._insert(todo)
            return Admission()
        other = self._todos[known]
        if (todo.command.source_version or "") <= (other.command.source_version or ""):
            return Admission(dropped=todo)
        self.remove(other)
        kept = todo.changed(place=other.row.place)
        self._insert(kept)
        return Admission(kept=kept, dropped=other)

    def wait(self, now: datetime, gather: float) -> float | None:
        """Return the seconds until a round should be read, None if there is nothing to read."""
        waits = [
            max(until(start, now), self._gathering(object_type, start, now, gather, count))
            for object_type, (start, count) in self._starts().items()
        ]
        return min(waits, default=None)

    def take(self, now: datetime, gather: float) -> Round | None:
        """Return the next round, live before backfill, then the longest waiting; None: nothing is due."""
        due = [todo for offset in self._waiting.values() if _start(todo := self._todos[offset]) <= now]
        due.sort(key=lambda todo: (todo.priority, todo.row.place))
        starts = self._starts()
        for first in due:
            object_type = first.command.object
            start, count = starts[object_type]
            if self._gathering(object_type, start, now, gather, count) == 0:
                same = [todo for todo in due if todo.command.object == object_type and todo.row.look != ALONE]
                same = [first] if first.row.look == ALONE else same[:MOST_IDS]
                for todo in same:
                    del self._waiting[todo.command.object_key]
                return Round(object_type, same)
        return None

    def put_back(self, todo: Todo) -> Admission:
        """Return a fetch that is to be tried again; a later one for its object makes it needless."""
        if todo.command.object_key in self._waiting:
            self.remove(self._todos[todo.row.offset])
            return Admission(dropped=todo)
        self._counts.move(self._todos[todo.row.offset], todo)
        self._todos[todo.row.offset] = todo
        self._waiting[todo.command.object_key] = todo.row.offset
        return Admission(kept=todo)

    def remove(self, todo: Todo) -> None:
        """Forget a settled fetch."""
        self._counts.removed(self._todos.pop(todo.row.offset))
        if self._waiting.get(todo.command.object_key) == todo.row.offset:
            del self._waiting[todo.command.object_key]

    def _insert(self, todo: Todo) -> None:
        self._todos[todo.row.offset] = todo
        self._counts.added(todo)
        self._waiting[todo.command.object_key] = todo.row.offset

    def _starts(self) -> dict[str, tuple[datetime, int]]:
        """Return for each object type when its first fetch may start, and how many wait."""
        starts: dict[str, tuple[datetime, int]] = {}
        for offset in self._waiting.values():
            todo = self._todos[offset]
            start, count = starts.get(todo.command.object, (_start(todo), 0))
            starts[todo.command.object] = min(start, _start(todo)), count + 1
        return starts

    def _gathering(self, object_type: str, start: datetime, now: datetime, gather: float, count: int) -> float:
        """Return how long to go on gathering: until none has arrived for `gather` seconds, at most three in all."""
        if count >= MOST_IDS:
            return 0.0
        quiet = after(self._arrived.get(object_type, start), gather)
        return until(min(quiet, after(start, LONGEST_GATHERING)), now)


def _start(todo: Todo) -> datetime:
    return todo.row.not_before or todo.row.taken_at
