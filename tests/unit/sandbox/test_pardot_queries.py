"""Pages of a Pardot query."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.sandbox.pardot import queries
from connectors.sandbox.pardot.catalogue import PROSPECTS
from connectors.sandbox.pardot.table import Table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
STAMPS = st.sampled_from([None, "2026-03-01T11:00:00+00:00", "2026-03-01T11:00:01+00:00"])
ROWS = st.lists(st.tuples(STAMPS, st.sampled_from(["a@x.yz", "B@x.yz", None])), max_size=12)
ORDERS = st.sampled_from(
    ["", "id ASC", "updatedAt ASC", "updatedAt DESC", "email,updatedAt DESC", "id DESC", "updatedAt,id DESC"]
)


def _walk(rows: list[dict[str, Any]], order: str, limit: int) -> tuple[list[int], list[int]]:
    """All ids in order of the pages, and the pages' sizes."""
    kinds = PROSPECTS.fields
    params = {"fields": "id", "limit": str(limit), "orderBy": order}
    seen: list[int] = []
    sizes: list[int] = []
    while True:
        query = queries.parse(PROSPECTS, kinds, params, NOW)
        page = queries.page(PROSPECTS, kinds, Table(rows), query, NOW, wall=100_000, slow=0)
        seen += [row["id"] for row in page.records]
        sizes.append(len(page.records))
        if page.token is None:
            return seen, sizes
        params = {"fields": "id", "nextPageToken": page.token}


@given(ROWS, ORDERS, st.integers(1, 5))
def test_small_pages_give_what_one_large_page_gives(
    drawn: list[tuple[str | None, str | None]], order: str, limit: int
) -> None:
    """Whatever is equal or empty among the order's fields, every record comes once and in the same order."""
    rows = [
        {"id": number, "updatedAt": stamp, "email": email, "isDeleted": False}
        for number, (stamp, email) in enumerate(drawn, start=1)
    ]
    seen, sizes = _walk(rows, order, limit)
    assert seen == _walk(rows, order, 1000)[0]
    assert sorted(seen) == [row["id"] for row in rows]
    assert all(size == limit for size in sizes[:-1])


SECONDS = ["2026-03-01T11:00:00+00:00", "2026-03-01T11:00:01+00:00", "2026-03-01T11:00:02+00:00"]
FILTERS = st.fixed_dictionaries(
    {},
    optional={
        "idGreaterThan": st.integers(0, 6),
        "idLessThanOrEqualTo": st.integers(0, 12),
        "updatedAtAfter": st.sampled_from(SECONDS),
        "updatedAtAfterOrEqualTo": st.sampled_from(SECONDS),
        "updatedAtBefore": st.sampled_from(SECONDS),
        "email": st.just("A@x.yz"),
    },
)
COMPARE = {
    "idGreaterThan": lambda row, value: row["id"] > value,
    "idLessThanOrEqualTo": lambda row, value: row["id"] <= value,
    "updatedAtAfter": lambda row, value: row["updatedAt"] > value,
    "updatedAtAfterOrEqualTo": lambda row, value: row["updatedAt"] >= value,
    "updatedAtBefore": lambda row, value: row["updatedAt"] < value,
    "email": lambda row, value: row["email"].lower() == value.lower(),
}


@given(
    st.lists(st.tuples(st.sampled_from(SECONDS), st.sampled_from(["a@x.yz", "b@x.yz"])), max_size=12),
    st.lists(st.tuples(st.integers(1, 12), st.sampled_from(SECONDS)), max_size=6),
    FILTERS,
    st.sampled_from(["id ASC", "id DESC", "updatedAt ASC", "updatedAt DESC"]),
    st.integers(1, 4),
)
def test_wherever_it_looks_a_query_finds_what_fits(
    drawn: list[tuple[str, str]],
    changes: list[tuple[int, str]],
    filters: dict[str, Any],
    order: str,
    limit: int,
) -> None:
    """Orders and indexes that tables keep, over changes too, give what looking at every record gives."""
    table = Table(
        {"id": number, "updatedAt": stamp, "email": email, "isDeleted": False}
        for number, (stamp, email) in enumerate(drawn, start=1)
    )
    table.having("email", "a@x.yz")
    table.between(("", 0), None)
    for number, stamp in changes:
        if number in table.rows:
            table.put({**table.rows[number], "updatedAt": stamp, "email": "b@x.yz"})
    params = {"fields": "id", "limit": str(limit), "orderBy": order} | {k: str(v) for k, v in filters.items()}
    seen: list[int] = []
    while True:
        query = queries.parse(PROSPECTS, PROSPECTS.fields, params, NOW)
        page = queries.page(PROSPECTS, PROSPECTS.fields, table, query, NOW, wall=100_000, slow=0)
        seen += [row["id"] for row in page.records]
        if page.token is None:
            break
        params = {"fields": "id", "nextPageToken": page.token}
    fitting = [row for row in table.rows.values() if all(COMPARE[name](row, value) for name, value in filters.items())]
    field, descending = order.split(maxsplit=1)[0], order.endswith("DESC")
    fitting.sort(key=lambda row: row["id"])
    fitting.sort(key=lambda row: row[field], reverse=descending)
    assert seen == [row["id"] for row in fitting]
