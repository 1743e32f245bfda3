"""What is read beside the stream: windows that are overtaken by events, and jobs."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.clock import ManualClock
from connectors.errors import RejectedError
from connectors.ports import Account, Raw
from connectors.salesforce.client import Page, Record
from connectors.salesforce.cursor import Job, Position, State
from connectors.salesforce.history import History, Memory
from connectors.salesforce.plan import Plan, plan_of
from connectors.wire import loads

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CSV = "Id,IsDeleted,SystemModstamp,LastName\n"


def row(number: int, seconds_ago: int, name: str = "Ito") -> Record:
    """Make a contact that changed so long ago."""
    stamp = (NOW - timedelta(seconds=seconds_ago)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
    return {"Id": f"0030000000000{number:02d}AAA", "SystemModstamp": stamp, "IsDeleted": False, "LastName": name}


@dataclass
class Org:
    """Answers as a client does: pages of windows, records by id, and bulk jobs whose results are CSV."""

    pages: list[list[Record]] = field(default_factory=list)
    now: dict[str, Record] = field(default_factory=dict)
    size: int = 0
    state: str = "InProgress"
    refuses_jobs: bool = False
    queries: list[str] = field(default_factory=list)
    jobs: list[str] = field(default_factory=list)
    locators: list[str] = field(default_factory=list)

    async def query(self, soql: str, *, deleted: bool) -> AsyncGenerator[Page]:
        """Yield the pages."""
        assert deleted
        self.queries.append(soql)
        for number, page in enumerate(self.pages):
            yield Page(page, number == len(self.pages) - 1, "")

    async def by_ids(
        self, object_type: str, columns: Sequence[str], ids: Sequence[str], *, deleted: bool
    ) -> dict[str, Record]:
        """Return records as they are now."""
        assert (object_type, deleted) == ("Contact", True)
        assert "LastName" in columns
        return {record_id[:15]: self.now[record_id] for record_id in ids if record_id in self.now}

    async def count(self, soql: str) -> int:
        """Tell how large it is."""
        assert soql.startswith("SELECT COUNT() FROM Contact")
        return self.size

    async def get(self, path: str, params: Any = None) -> Any:
        """Answer for a job, a description, or the list of deletions."""
        del params
        if path.startswith("jobs/"):
            return {"state": self.state}
        if path.endswith("/describe"):
            return {"fields": [{"name": "IsDeleted", "type": "boolean"}]}
        return {"deletedRecords": [{"id": "003gone", "deletedDate": "2025-12-31T00:00:00.000+0000"}]}

    async def post(self, path: str, body: Any) -> Any:
        """Create a job."""
        assert path == "jobs/query"
        if self.refuses_jobs:
            raise RejectedError("not by bulk", code="INVALIDENTITY")
        self.jobs.append(body["query"])
        return {"id": f"750{len(self.jobs)}"}

    async def text(self, path: str, params: dict[str, str], media_type: str) -> httpx.Response:
        """Return the page of a job at a locator."""
        assert (path.endswith("/results"), media_type) == (True, "text/csv")
        page = int(params.get("locator", "0"))
        self.locators.append(str(page))
        line = f"0030000000000{page:02d}AAA,false,2025-06-01T00:00:00.000Z,P{page}\n"
        return httpx.Response(200, text=CSV + line, headers={"Sforce-Locator": str(page + 1) if page < 2 else "null"})


@pytest.fixture
def plan(account: Account) -> Plan:
    """Contacts alone."""
    settings = {"objects": "Contact"}
    return replace(plan_of(replace(account, settings=settings), 15_000), polled=())


def history(org: Org, plan: Plan, clock: ManualClock, state: State) -> History:
    """Make a history of that org."""
    return History(org, plan, clock, state, Memory())  # type: ignore[arg-type]  # what it uses of each


async def all_steps(made: History, clock: ManualClock) -> list[Raw]:
    """Take every step there is now."""
    raws: list[Raw] = []
    while made.wait(clock.now()) == 0:
        raws += await made.step()
    return raws


async def test_a_small_object_is_read_by_query(plan: Plan, clock: ManualClock) -> None:
    """One window from the beginning; then nothing is due until the sweep, which is an hour later."""
    state = State()
    made = history(Org([[row(1, 9000), row(2, 10)]]), plan, clock, state)
    assert len(await all_steps(made, clock)) == 3  # with what the list of deletions has
    assert not made.pending
    assert state.positions["Contact"].since == NOW - timedelta(seconds=300)
    assert made.wait(clock.now()) == 3600
    clock.advance(3600)
    assert await all_steps(made, clock) == []  # nothing new


async def test_what_is_missed_during_a_window_is_due_after_it(plan: Plan, clock: ManualClock) -> None:
    """The query began before: only one that begins after the gap can show what fell into it."""
    state = State({"Contact": Position(NOW - timedelta(days=1))}, due={"Contact"})
    org = Org([[row(1, 9000)], [row(2, 5000)]])
    made = history(org, plan, clock, state)
    await made.step()
    made.mark(["Contact"])
    await made.step()
    assert state.due == {"Contact"}
    assert len(org.queries) == 1
    await all_steps(made, clock)
    assert (len(org.queries), state.due) == (2, set())


async def test_an_object_that_begins_anew_is_not_moved_on_by_an_open_window(plan: Plan, clock: ManualClock) -> None:
    """Whatever an open query still finds, the next one begins at the beginning."""
    state = State({"Contact": Position(NOW - timedelta(days=1))}, due={"Contact"})
    org = Org([[row(1, 9000)], [row(2, 5000)]])
    made = history(org, plan, clock, state)
    await made.step()
    made.restart("Contact")
    await made.step()
    assert state.positions["Contact"].since is None
    await all_steps(made, clock)
    assert "SystemModstamp >=" not in org.queries[1]


async def test_young_rows_of_a_later_page_are_read_again(plan: Plan, clock: ManualClock) -> None:
    """A page shows its query's instant: what changed since in the same second must not come back."""
    state = State({"Contact": Position()}, due={"Contact"})
    newer = row(3, 1, "Sato")
    org = Org([[row(1, 9000)], [row(2, 5000), row(3, 1)]], now={newer["Id"]: newer})
    raws = await all_steps(history(org, plan, clock, state), clock)
    assert [loads(raw.body)["LastName"] for raw in raws if not raw.deleted] == ["Ito", "Ito", "Sato"]


async def test_a_large_object_is_read_by_bulk(plan: Plan, clock: ManualClock) -> None:
    """The window is above the job's end; a new reader goes on at the locator that is stored."""
    state, org = State(), Org([[]], size=5000)
    made = history(org, plan, clock, state)
    await all_steps(made, clock)
    assert state.jobs["Contact"] == Job(NOW - timedelta(seconds=300), "7501")
    assert "SystemModstamp < 2025-12-31T23:55:00Z" in org.jobs[0]
    assert "SystemModstamp >= 2025-12-31T23:55:00Z" in org.queries[0]
    assert 0 < made.wait(clock.now()) <= 2
    clock.advance(2)
    org.state = "JobComplete"
    assert made.patient
    [first] = await made.step()
    assert (first.remote_id, loads(first.body)["LastName"]) == ("003000000000000AAA", "P0")
    others = await all_steps(history(org, plan, clock, state), clock)
    assert [raw.remote_id for raw in others] == ["003000000000001AAA", "003000000000002AAA"]
    assert (org.locators, len(org.jobs), state.jobs) == (["0", "1", "2"], 1, {})


@pytest.mark.parametrize("ended", ["Failed", "Aborted"])
async def test_a_job_that_ended_badly_is_followed_by_another(plan: Plan, clock: ManualClock, ended: str) -> None:
    """After a while, and longer each time."""
    state = State({"Contact": Position(NOW)}, jobs={"Contact": Job(NOW, "7509", "MTAw")})
    org = Org([[]], state=ended)
    made = history(org, plan, clock, state)
    await all_steps(made, clock)
    assert state.jobs["Contact"] == Job(NOW)
    first = made.wait(clock.now())
    clock.advance(first)
    await all_steps(made, clock)
    assert made.wait(clock.now()) > first
    assert len(org.jobs) == 1


async def test_what_bulk_does_not_know_is_read_by_query(plan: Plan, clock: ManualClock) -> None:
    """From the beginning, as a small object is."""
    state, org = State(), Org([[row(1, 9000)]], size=5000, refuses_jobs=True)
    await all_steps(history(org, plan, clock, state), clock)
    assert state.jobs == {}
    assert "SystemModstamp >=" not in org.queries[-1]


async def test_an_object_that_is_no_longer_read_holds_up_nothing(plan: Plan, clock: ManualClock) -> None:
    """What the state says of it is forgotten."""
    state = State({"Contact": Position(NOW)}, due={"Lead"}, jobs={"Lead": Job(NOW, "7501")})
    made = history(Org([[]]), plan, clock, state)
    await all_steps(made, clock)
    assert not made.pending
