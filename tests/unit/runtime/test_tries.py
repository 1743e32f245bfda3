"""The record that kills the process is found; no other is given up."""

from hypothesis import given
from hypothesis import strategies as st

from streams.runtime.tries import GIVE_UP, SINGLY, Tries, Trying


class Application:
    """Terms of a shard over a log of offsets, some of which kill; chunks as `Log` makes them.

    A chunk that is not announced is computed while the one before is being committed, which a death interrupts.
    """

    def __init__(self, log: list[int], killers: set[int], chunk: int) -> None:
        self.log = log
        self.killers = killers
        self.chunk = chunk
        self.committed = 0
        self.row: Trying | None = None
        self.passed: list[int] = []
        self.letters: dict[int, int] = {}

    def term(self, first_chunk: int) -> bool:
        """Run until the process dies (True) or the log is done."""
        tries = Tries(self.row, 4 * self.chunk)
        todo = [offset for offset in self.log if offset >= self.committed]
        done: list[int] = []
        uncommitted: list[int] = []
        most = first_chunk
        while todo:
            records = todo[: tries.limit(todo[0], most)]
            todo = todo[len(records) :]
            most = self.chunk
            row = tries.row(records[0], records[-1] + 1)
            self.row = Trying.load(row) if row else self.row
            if row is not None:
                self._commit(uncommitted)
                uncommitted = []
            count = tries.given_up(records[0])
            if count is not None:
                assert len(records) == 1
                self.letters[records[0]] = count
            elif self.killers.intersection(records):
                return True
            else:
                done = records
            self._commit(uncommitted)
            uncommitted = [] if count else done
            if count:
                self.committed = records[0] + 1
            elif row is not None:
                self._commit(uncommitted)
                uncommitted = []
        self._commit(uncommitted)
        return False

    def _commit(self, records: list[int]) -> None:
        if records:
            self.passed += records
            self.committed = records[-1] + 1


LOGS = st.lists(st.integers(1, 3), min_size=1, max_size=120).map(
    lambda gaps: [sum(gaps[: n + 1]) for n in range(len(gaps))]
)


@given(LOGS, st.data(), st.integers(1, 60), st.integers(1, 60))
def test_a_killing_record_ends_as_a_dead_letter(log: list[int], data: st.DataObject, chunk: int, first: int) -> None:
    """Wherever it is, whatever the chunks: at most six deaths each (one may come unannounced), innocents pass once."""
    killers = set(data.draw(st.lists(st.sampled_from(log), max_size=3)))
    application = Application(log, killers, chunk)
    deaths = 0
    while application.term(min(first, chunk)):
        deaths += 1
        assert deaths <= 6 * len(killers)
    assert set(application.letters) == killers
    assert all(count == GIVE_UP for count in application.letters.values())
    assert application.passed == [offset for offset in log if offset not in killers]
    assert deaths >= GIVE_UP * len(killers)


def test_a_marker_before_the_record_changes_nothing() -> None:
    """The group's offset stands before a transaction marker, the record behind it: it is still the same record."""
    tries = Tries(Trying(8, 1, 9), 100)
    tries.limit(8, 50)
    assert Trying.load(tries.row(8, 9)) == Trying(8, 2, 9)


def test_the_search_narrows_and_ends_singly() -> None:
    """After one death smaller chunks, from three on single records, behind the suspicious ones no limit."""
    assert Tries(None, 0).limit(0, 4000) == 4000
    assert Tries(Trying(0, 1, 4000), 0).limit(0, 4000) == 250
    tries = Tries(Trying(0, SINGLY, 15), 0)
    assert [tries.limit(offset, 4000) for offset in (0, 14, 15)] == [1, 1, 4000]


def test_new_records_need_no_announcement() -> None:
    """Once the end was reached no former term can have tried what comes: no extra commit on an idle partition."""
    tries = Tries(None, 10_000)
    tries.limit(5, 100)
    assert tries.row(5, 6) is not None
    tries.at_end(7)
    assert tries.row(7, 8) is None
