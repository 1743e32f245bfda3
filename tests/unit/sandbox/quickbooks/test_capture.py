"""Change data capture."""

from typing import Any

import pytest

Books = Any  # the fixture's class lives in conftest, which tests cannot import


async def capture(books: Books, entities: str, since: str) -> list[dict[str, Any]]:
    """The content of CDCResponse."""
    answer = await books.call("GET", f"cdc?entities={entities}&changedSince={since}")
    assert answer.status_code == 200, answer.text
    [found] = answer.json()["CDCResponse"]
    response: list[dict[str, Any]] = found["QueryResponse"]
    return response


async def test_cdc_shows_changes_and_stubs(books: Books, clock: Any) -> None:
    """Only what changed since is reported, deletions as stubs."""
    await books.bill()
    await clock.sleep(60)
    gone = await books.bill()
    await books.save("Invoice", {"Id": gone["Id"], "SyncToken": "0"}, operation="delete")
    path = "cdc?entities=invoice,Customer&changedSince=2026-03-01T12:00:30 00:00"
    answer = (await books.call("GET", path)).json()["CDCResponse"][0]["QueryResponse"]
    stub = {"domain": "QBO", "status": "Deleted", "Id": gone["Id"]}
    assert answer[0]["Invoice"] == [stub | {"MetaData": {"LastUpdatedTime": "2026-03-01T04:01:00-08:00"}}]
    assert len(answer) == 1


async def test_no_change_is_an_empty_object(books: Books) -> None:
    """Nothing since then: one empty QueryResponse."""
    assert await capture(books, "Invoice,Customer", "2026-03-01T11:59:59Z") == [{}]


@pytest.mark.parametrize(
    "since", ["2026-03-01T14:00:00+02:00", "2026-03-01T14:00:00 02:00", "2026-03-01", "2026-03-01T12:00:00Z"]
)
async def test_the_bound_is_inclusive_in_any_zone(books: Books, since: str) -> None:
    """A `+` that became a blank is put right; what changed in the very second is there."""
    await books.save("Customer", {"DisplayName": "Acme"})
    assert (await capture(books, "customer", since))[0]["Customer"][0]["DisplayName"] == "Acme"


@pytest.mark.parametrize(
    "entities", ["Invoice,TaxCode", "TaxRate", "TimeActivity", "JournalCode", "TaxAgency", "Nonsense"]
)
async def test_entities_without_capture_are_refused(books: Books, entities: str) -> None:
    """As Intuit lists them."""
    answer = await books.call("GET", f"cdc?entities={entities}&changedSince=2026-03-01")
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, "4001")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("entities=Invoice&changedSince=2026-01-01", "4001"),
        ("entities=Invoice&changedSince=2026-01-30T11:59:59Z", "4001"),
        ("entities=Invoice&changedSince=yesterday", "4001"),
        ("entities=Invoice", "2020"),
        ("changedSince=2026-03-01", "2020"),
    ],
)
async def test_bounds_that_are_refused(books: Books, query: str, code: str) -> None:
    """Further back than 30 days, no instant, nothing asked for."""
    answer = await books.call("GET", f"cdc?{query}")
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, code)


async def test_a_thousand_objects_are_all_there_is(books: Books) -> None:
    """Over all entities together, in the order they were asked for, and paging changes nothing."""
    await books.admin("seed", size=600, seed=1)
    answer = await capture(books, "Customer,Invoice", "2026-03-01&startPosition=500&maxResults=5")
    assert [part["maxResults"] for part in answer] == [600, 400]


async def test_capture_counts_by_the_company_clock(books: Books) -> None:
    """A company whose clock is ahead stamps, and compares, ahead."""
    await books.set(clock_skew_seconds=7200)
    made = await books.save("Customer", {"DisplayName": "Acme"})
    assert made["MetaData"]["CreateTime"] == "2026-03-01T06:00:00-08:00"
    assert (await capture(books, "Customer", "2026-03-01T14:00:00Z"))[0]["Customer"]
    assert await capture(books, "Customer", "2026-03-01T14:00:01Z") == [{}]
