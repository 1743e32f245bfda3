"""The source over a business unit in memory, whose reads lag and whose queries may be slow."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.clock import ManualClock
from connectors.errors import FatalError, RetryableError
from connectors.http import Reach, open_http
from connectors.pardot.client import PardotClient
from connectors.pardot.errors import SlowQueryError
from connectors.pardot.source import PardotSource
from connectors.ports import Account, Batch
from connectors.wire import loads

EASTERN = timedelta(hours=-5)
START = {"objects": "Prospect", "start_at": "2025-12-25T00:00:00Z"}


@dataclass
class Unit:
    """Answers queries of prospects and activities as API v5 does; what changed last shows `behind` seconds late."""

    clock: ManualClock
    behind: float = 0
    slow_above: int = 1_000_000
    versions: dict[int, list[tuple[datetime, dict[str, Any]]]] = field(default_factory=dict)
    queries: list[httpx.QueryParams] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)

    def put(self, id_: int, **values: Any) -> None:
        """Create or change a record now."""
        now = self.clock.now()
        former = self.versions.get(id_, [(now, {"createdAt": now})])[-1][1]
        record = {"isDeleted": False, **former, **values, "id": id_, "updatedAt": now}
        self.versions.setdefault(id_, []).append((now, record))

    def newest(self) -> dict[int, dict[str, Any]]:
        """Return each record as it is now."""
        return {id_: versions[-1][1] for id_, versions in self.versions.items()}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        """Answer one query."""
        asked = request.url.params
        self.queries.append(asked)
        if self.answers:
            return self.answers.pop(0)
        rows = [row for row in self._visible() if _fits(row, asked)]
        if len(rows) > self.slow_above:
            return httpx.Response(504, text="<html>Gateway Time-out</html>")
        by = asked["orderBy"].split()[0]
        rows.sort(key=lambda row: (row[by], -row["id"]) if by != "id" else row["id"])
        page = rows[: int(asked["limit"])]
        token = "more" if len(rows) > len(page) else None
        return httpx.Response(200, json={"nextPageToken": token, "values": [_shown(row) for row in page]})

    def _visible(self) -> Iterator[dict[str, Any]]:
        then = self.clock.now() - timedelta(seconds=self.behind)
        for versions in self.versions.values():
            known = [record for at, record in versions if at <= then]
            if known:
                yield known[-1]


def _fits(row: dict[str, Any], asked: httpx.QueryParams) -> bool:
    stamp, after = _second(row["updatedAt"]), asked.get("idGreaterThan")
    bounds = {name: datetime.fromisoformat(value) for name, value in asked.items() if name.startswith("updatedAt")}
    return (
        (after is None or row["id"] > int(after))
        and stamp >= bounds.get("updatedAtAfterOrEqualTo", stamp)
        and stamp <= bounds.get("updatedAtBeforeOrEqualTo", stamp)
        and ("updatedAtBefore" not in bounds or stamp < bounds["updatedAtBefore"])
    )


def _second(instant: datetime) -> datetime:
    return instant.replace(microsecond=0)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Stamps have whole seconds, in the API user's zone."""
    shown = {
        name: (_second(value) + EASTERN).isoformat()[:19] + "-05:00" if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    return dict(shown)


def source_of(unit: Unit, **given: str) -> PardotSource:
    """Connect a source to the unit."""
    account = Account("acme", "pardot", "https://vendor.test", "0UvB", {**START, **given})
    http = open_http(
        "pardot", Reach(("vendor.test",), frozenset()), timeout_seconds=5, transport=httpx.MockTransport(unit)
    )
    client = PardotClient(http, account.base_url, account.account, ZoneInfo("UTC"), unit.clock)
    return PardotSource(client, account, unit.clock, zone=ZoneInfo("America/New_York"), daily_calls=25_000)


@pytest.fixture
def unit(clock: ManualClock) -> Unit:
    """An empty unit on 2026-01-01."""
    return Unit(clock)


async def batches(source: PardotSource, cursor: str | None = None) -> list[Batch]:
    """Read to the end."""
    return [batch async for batch in source.read(cursor)]


def ids(found: list[Batch]) -> list[str]:
    """Return the ids of all records."""
    return [raw.remote_id for batch in found for raw in batch.records]


async def test_what_changed_is_read_once_with_utc_versions(unit: Unit) -> None:
    """A second read gives nothing, though it looks at the last two minutes again."""
    unit.put(1, email="a@x.example")
    source = source_of(unit)
    first = await batches(source)
    [raw] = [raw for batch in first for raw in batch.records]
    assert (raw.object, raw.remote_id, raw.version) == ("Prospect", "1", "2026-01-01T00:00:00.000000Z")
    assert loads(raw.body)["email"] == "a@x.example"
    unit.clock.advance(60)
    assert ids(await batches(source, first[-1].cursor)) == []
    assert unit.queries[-1]["updatedAtAfterOrEqualTo"] == "2025-12-31T23:58:00+00:00"
    assert unit.queries[-1]["deleted"] == "all"


async def test_a_binned_record_is_a_deletion_and_comes_back(unit: Unit) -> None:
    """Deleting and taking back both move updatedAt, so that either is read."""
    unit.put(1, email="a@x.example")
    source, cursor = source_of(unit), None
    seen: list[tuple[bool, bool]] = []
    for change in ({}, {"isDeleted": True}, {"isDeleted": False}):
        unit.clock.advance(30)
        unit.put(1, **change)
        found = await batches(source, cursor)
        cursor = found[-1].cursor
        seen += [(raw.deleted, raw.body == b"{}") for batch in found for raw in batch.records]
    assert seen == [(False, False), (True, True), (False, False)]


async def test_a_return_within_the_second_of_the_deletion_follows_it(unit: Unit) -> None:
    """Both have one version; the record says that it is back, else it would be passed over."""
    unit.put(1, email="a@x.example")
    source, cursor = source_of(unit), None
    flags = []
    for deleted in (False, True, False):
        unit.put(1, isDeleted=deleted)
        found = await batches(source, cursor)
        cursor = found[-1].cursor
        flags += [(raw.deleted, raw.undeleted) for batch in found for raw in batch.records]
    assert flags == [(False, False), (True, False), (False, True)]


async def test_two_edits_within_a_second_are_both_read(unit: Unit) -> None:
    """Stamps have whole seconds: the content tells them apart."""
    unit.put(1, score=1)
    source = source_of(unit)
    first = await batches(source)
    unit.put(1, score=2)
    second = await batches(source, first[-1].cursor)
    assert [loads(raw.body)["score"] for batch in second for raw in batch.records] == [2]


async def test_a_second_with_more_than_a_page_is_walked_by_id(unit: Unit) -> None:
    """An import stamps thousands alike: none is skipped and no page is asked for twice for ever."""
    for id_ in range(1, 26):
        unit.put(id_)
    unit.clock.advance(1)
    unit.put(30)
    unit.clock.advance(600)
    found = await batches(source_of(unit, page_size="10"))
    assert sorted(map(int, ids(found))) == [*range(1, 26), 30]
    assert any("idGreaterThan" in query for query in unit.queries)


async def test_a_window_that_is_too_slow_is_halved_and_remembered(unit: Unit) -> None:
    """The narrower window is stored before the error, so that the next read does not fail alike."""
    for hour in range(64):
        unit.put(hour + 1)
        unit.clock.advance(3600)
    unit.slow_above = 10
    source, cursor, failures = source_of(unit), None, 0
    seen: list[str] = []
    for _ in range(40):
        try:
            async for batch in source.read(cursor):
                cursor, seen = batch.cursor, [*seen, *ids([batch])]
        except SlowQueryError:
            failures += 1
        else:
            break
    assert sorted(map(int, seen)) == list(range(1, 65))
    assert 0 < failures < 12


@pytest.mark.parametrize(
    "answer",
    [httpx.Response(504), httpx.Response(400, json={"code": 214, "message": ""}), httpx.ReadTimeout("late")],
    ids=["gateway", "214", "time-out"],
)
async def test_every_kind_of_slowness_narrows(unit: Unit, answer: Any) -> None:
    """Gateway, vendor and our own time limit say the same."""

    def network(_: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer.status_code, content=answer.content)

    source = source_of(unit)
    source._client._http.client._transport = httpx.MockTransport(network)
    pages = source.read(None)
    batch = await anext(pages)
    with pytest.raises(SlowQueryError):
        await anext(pages)
    assert batch.records == []
    assert 0 < loads(batch.cursor)["objects"]["Prospect"]["span"] < 4 * 86400


async def test_the_days_budget_holds_and_returns_at_midnight(unit: Unit) -> None:
    """The count travels with the cursor; a spent budget waits without pausing the connection."""
    unit.put(1)
    source = source_of(unit, read_calls="2")
    cursor = (await batches(source))[-1].cursor
    cursor = (await batches(source, cursor))[-1].cursor
    with pytest.raises(RetryableError, match="read_calls") as caught:
        await batches(source, cursor)
    assert caught.value.retry_after == 900
    unit.clock.advance(5 * 3600)  # midnight in New York
    assert await batches(source, cursor)


async def test_activities_are_walked_by_id_and_late_ones_are_met(unit: Unit) -> None:
    """An activity that shows after younger ones is still read, once."""
    source = source_of(unit, objects="VisitorActivity", start_at="")
    for id_ in (1, 2, 4):
        unit.put(id_)
    first = await batches(source)
    unit.put(3)
    second = await batches(source, first[-1].cursor)
    unit.clock.advance(300)
    third = await batches(source, second[-1].cursor)
    assert [ids(first), ids(second), ids(third)] == [["1", "2", "4"], ["3"], []]
    assert "deleted" not in unit.queries[0]
    fourth = await batches(source, third[-1].cursor)
    assert unit.queries[-1]["idGreaterThan"] == "4"
    assert loads(fourth[-1].cursor)["objects"]["VisitorActivity"]["seen"] == {}


async def test_a_start_ahead_reads_nothing_yet(unit: Unit) -> None:
    """Nor does a clock that was set back ask for windows that end before they begin."""
    assert await batches(source_of(unit, start_at="2026-06-01T00:00:00Z")) == []
    assert unit.queries == []


@pytest.mark.parametrize(
    ("given", "message"),
    [({"objects": "Prospects"}, "setting objects names 'Prospects'"), ({"lag_seconds": "soon"}, "lag_seconds")],
)
def test_wrong_settings_are_named(unit: Unit, given: dict[str, str], message: str) -> None:
    """The operator reads which setting of which connection it is."""
    with pytest.raises(FatalError, match=f"tenant acme, pardot: .*{message}"):
        source_of(unit, **given)


@pytest.mark.parametrize("body", [[], {}, {"values": [1]}, {"values": [], "nextPageToken": "t"}])
async def test_answers_that_make_no_sense_are_asked_again(unit: Unit, body: Any) -> None:
    """They are never taken for the end."""
    unit.answers = [httpx.Response(200, json=body)]
    with pytest.raises(RetryableError):
        await batches(source_of(unit))


EDITS = st.lists(
    st.tuples(st.integers(1, 12), st.booleans(), st.sampled_from([0, 0, 0, 1, 7, 40])), min_size=1, max_size=20
)


@settings(max_examples=50, deadline=None)
@given(edits=EDITS, behind=st.sampled_from([0, 30, 60]), page=st.integers(1, 5), seed=st.integers(0, 1000))
async def test_nothing_is_missed_however_often_it_is_cut(
    edits: list[tuple[int, bool, int]], behind: int, page: int, seed: int
) -> None:
    """Edits go on while reads lag and the reader dies after any batch: the last version of each record arrives."""
    cuts = Random(seed)  # noqa: S311 - repeatable on purpose
    unit = Unit(ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), behind)
    source = source_of(unit, page_size=str(page))
    latest: dict[int, tuple[str, int]] = {}
    cursor: str | None = None

    async def read(killed: float) -> None:
        nonlocal cursor
        async for batch in source.read(cursor):
            if cuts.random() < killed:
                return  # before the batch was committed
            cursor = batch.cursor
            for raw in batch.records:
                found = (raw.version, -1 if raw.deleted else loads(raw.body)["edit"])
                latest[int(raw.remote_id)] = max(latest.get(int(raw.remote_id), ("", 0)), found)
            unit.clock.advance(cuts.choice([0, 0, 5]))

    for number, (id_, deleted, wait) in enumerate(edits):
        unit.put(id_, edit=number, isDeleted=deleted)
        unit.clock.advance(wait)
        await read(0.3)
    unit.clock.advance(61)
    for killed in (0.3, 0, 0):  # the first may end a pass that began before the last edit
        await read(killed)
    assert set(latest) == set(unit.versions)
    for id_, record in unit.newest().items():
        assert latest[id_][0] == _second(record["updatedAt"]).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        if not record["isDeleted"] and len({at for at, _ in unit.versions[id_]}) == len(unit.versions[id_]):
            assert latest[id_][1] == record["edit"]
