"""How many todos wait, and for what, in the metrics."""

from streams import metrics
from streams.delivery.todo import Todo


class TodoCounts:
    """Keeps `sluiceway_todos` for one shard; `close` takes back what it has added."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], int] = {}

    def added(self, todo: Todo) -> None:
        """Count a todo."""
        self._change(todo, 1)

    def removed(self, todo: Todo) -> None:
        """Count a todo no longer."""
        self._change(todo, -1)

    def move(self, before: Todo, after: Todo) -> None:
        """Count a todo that now waits for something else."""
        if before.row.reason != after.row.reason:
            self._change(before, -1)
            self._change(after, 1)

    def close(self) -> None:
        """Count none of them any more."""
        for (vendor, reason), count in self._counts.items():
            metrics.TODOS.labels(vendor, reason).dec(count)
        self._counts.clear()

    def _change(self, todo: Todo, change: int) -> None:
        key = todo.command.vendor, todo.row.reason or "turn"
        self._counts[key] = self._counts.get(key, 0) + change
        metrics.TODOS.labels(*key).inc(change)
