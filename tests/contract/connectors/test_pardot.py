"""What only the Pardot source does, shown on the sandbox."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx

from connectors.errors import ConnectorError, RetryableError
from connectors.pardot.errors import SlowQueryError
from connectors.ports import Batch
from connectors.wire import loads

Company = Any  # the fixture's class lives in a folder that is no package
Connect = Callable[..., Awaitable[Company]]
BASE = "/api/v5/objects"


async def call(company: Company, method: str, path: str, **more: Any) -> httpx.Response:
    """Work in the company as its integration user."""
    known = company.credentials
    headers = {"Authorization": f"Bearer {known['access_token']}", "Pardot-Business-Unit-Id": known["business_unit_id"]}
    answer: httpx.Response = await company.admin.request(method, path, headers=headers, **more)
    assert answer.is_success, answer.text
    return answer


async def prospect(company: Company, email: str) -> int:
    """Make a prospect."""
    made: int = (await call(company, "POST", f"{BASE}/prospects", json={"email": email})).json()["id"]
    return made


async def read(company: Company, cursor: str | None = None) -> list[Batch]:
    """Read to the end."""
    return [batch async for batch in company.source.read(cursor)]


async def read_until_error(company: Company, cursor: str | None) -> tuple[str | None, ConnectorError | None]:
    """Read to the end or an error; return it with the last cursor."""
    try:
        async for batch in company.source.read(cursor):
            cursor = batch.cursor
    except ConnectorError as error:
        return cursor, error
    return cursor, None


def keys(batches: list[Batch]) -> list[tuple[str, str]]:
    """Return object and id of all records."""
    return [(raw.object, raw.remote_id) for batch in batches for raw in batch.records]


async def test_reads_that_are_behind_are_made_up_for(connect: Connect) -> None:
    """What a read did not show yet comes with a later one, though the cursor has moved on."""
    company = await connect("pardot", objects="Prospect,ListMembership,VisitorActivity")
    await company.put("settings", {"settings": {"stale_seconds": 60}})
    late = await prospect(company, "late@example.com")
    await call(company, "POST", f"{BASE}/list-memberships", json={"listId": 1, "prospectId": late})
    await call(company, "POST", "/sandbox/visitor-activities", json={"type": 6, "prospectId": late})
    first = await read(company)
    await company.put("settings", {"settings": {"stale_seconds": 0}})
    second = await read(company, first[-1].cursor)
    assert keys(first) == []
    assert keys(second) == [("Prospect", "1"), ("ListMembership", "1"), ("VisitorActivity", "1")]
    assert keys(await read(company, second[-1].cursor)) == []


async def test_an_answer_of_the_sink_and_the_poll_have_one_version(connect: Connect, make_call: Any) -> None:
    """So that transform knows its own write when it comes back."""
    company = await connect("pardot", objects="Prospect")
    outcome = await company.write(make_call("Prospect", {"email": "ada@example.com"}))
    [raw] = [raw for batch in await read(company) for raw in batch.records]
    assert (raw.remote_id, raw.version) == (outcome.remote.id, outcome.version)


async def test_windows_shrink_until_queries_are_quick_enough(connect: Connect) -> None:
    """Each failure halves the window and is remembered; then everything is read."""
    company = await connect("pardot", objects="Prospect", window_days="500", page_size="10")
    for number in range(3):
        await prospect(company, f"p{number}@example.com")
    await company.put("settings", {"settings": {"slow_query_records": 2}})
    cursor, error = await read_until_error(company, None)
    assert isinstance(error, SlowQueryError)
    await company.put("settings", {"settings": {"slow_query_records": 0}})
    assert cursor is not None
    assert loads(cursor)["objects"]["Prospect"]["span"] < 250 * 86_400
    assert len(keys(await read(company, cursor))) == 3


async def test_a_spent_budget_leaves_the_rest_of_the_day_to_the_sink(connect: Connect, make_call: Any) -> None:
    """Reading waits, writing goes on."""
    company = await connect("pardot", objects="Prospect", read_calls="1", start_at="2026-01-01T00:00:00Z")
    _, error = await read_until_error(company, (await read_until_error(company, None))[0])
    assert isinstance(error, RetryableError)
    assert "read_calls" in str(error)
    assert (await company.write(make_call("Prospect", {"email": "ada@example.com"}))).error is None


async def test_without_objects_there_is_no_source(connect: Connect) -> None:
    """A connection reads only what it names."""
    assert (await connect("pardot")).connector.source is None
