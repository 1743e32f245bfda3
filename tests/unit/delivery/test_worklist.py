"""Lanes and replacing, for any run of arrivals."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.topics import COMMAND
from streams.delivery.counts import TodoCounts
from streams.delivery.todo import Todo, taken
from streams.delivery.worklist import WorkList
from streams.runtime.types import Record
from tests.unit.delivery.kit.virtual import EPOCH
from tests.unit.delivery.kit.world import put


def todo(offset: int, key: str, version: int = 1, lane: str = "a") -> Todo:
    """Return a todo as taken in."""
    return taken(put(key, version, lane), Record(COMMAND.name, 0, offset, b"t1", b"", [], 0), EPOCH)


arrivals = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.integers(0, 4), st.integers(1, 5), st.sampled_from("abc")),
        st.tuples(st.sampled_from(["take", "done", "retry", "parent", "doubt"]), st.just(0), st.just(0), st.just("a")),
    ),
    max_size=60,
)


class Hands:
    """Whoever takes todos from a list and settles them, keeping count."""

    def __init__(self) -> None:
        self.work = WorkList(TodoCounts())
        self.now = EPOCH
        self.held: list[Todo] = []
        self.settled: dict[str, int] = {}

    def take(self) -> bool:
        """Take the next todo."""
        todo_ = self.work.take(self.now)
        self.held += [todo_] if todo_ else []
        return todo_ is not None

    def let_go(self, how: str) -> None:
        """Settle or return the todo held longest."""
        done = self.held.pop(0)
        key, later = done.command.object_key, self.now + timedelta(seconds=1)
        if how == "done":
            self.settled[key] = max(done.command.version, self.settled.get(key, 0))
            self.work.remove(done, self.now)
        elif how == "doubt":
            self.work.put_back(done.waiting("in_doubt", later), self.now, started=True)
        elif (newer := self.work.newer(done)) is not None:
            self.work.replace(done, newer, self.now)
        else:
            self.work.put_back(done.waiting(how, later, parent="x"), self.now)


@given(arrivals)
def test_the_list_loses_nothing(run: list[tuple[str, int, int, str]]) -> None:
    """The newest version of everything is settled in the end; never are two of a lane or of an object in hand."""
    hands = Hands()
    newest: dict[str, int] = {}
    for offset, (what, number, version, lane) in enumerate(run):
        hands.now += timedelta(seconds=0.5)
        if what == "add":
            key = f"party/{number}"
            newest[key] = max(version, newest.get(key, 0))
            hands.work.add(todo(offset, key, version, lane))
        elif what == "take":
            hands.take()
        elif hands.held:
            hands.let_go(what)
        assert len({each.row.lane for each in hands.held}) == len(hands.held)
        assert len({each.command.object_key for each in hands.held}) == len(hands.held)
    hands.now += timedelta(seconds=10)
    while hands.held or hands.take():
        hands.let_go("done")
    assert len(hands.work) == 0
    assert hands.settled == newest


def test_a_lane_keeps_its_order() -> None:
    """The second todo of a lane is ready only when the first is done; another lane's is ready beside it."""
    work = WorkList(TodoCounts())
    for offset, (key, lane) in enumerate([("party/1", "a"), ("party/2", "a"), ("party/3", "b")]):
        work.add(todo(offset, key, lane=lane))
    first, second = work.take(EPOCH), work.take(EPOCH)
    assert [each.command.object_key for each in (first, second) if each] == ["party/1", "party/3"]
    assert work.take(EPOCH) is None
    assert first is not None
    work.remove(first, EPOCH)
    following = work.take(EPOCH)
    assert following is not None
    assert following.command.object_key == "party/2"


def test_a_replaced_todo_keeps_place_and_back_off() -> None:
    """A newer version takes over the place in the lane and the back-off, and is always sent."""
    work = WorkList(TodoCounts())
    work.add(todo(0, "party/1"))
    work.add(todo(1, "party/2"))
    first = work.take(EPOCH)
    assert first is not None
    work.put_back(first.waiting("retry", EPOCH + timedelta(seconds=5), tries=2), EPOCH)
    admission = work.add(todo(2, "party/1", 2, lane="b"))
    assert admission.kept is not None
    row = admission.kept.row
    assert (row.place, row.lane, row.tries, row.forced) == (0, "a", 2, True)
    assert work.wait(EPOCH) == 5.0


def test_one_object_never_has_two_lanes() -> None:
    """A newer command for an object in hand waits in that object's lane, whatever lane it names."""
    work = WorkList(TodoCounts())
    work.add(todo(0, "party/1", lane="a"))
    assert work.take(EPOCH) is not None
    admission = work.add(todo(1, "party/1", 2, lane="b"))
    assert admission.kept is not None
    assert admission.kept.row.lane == "a"
    assert work.take(EPOCH) is None
