from typing import Any

import pytest

Books = Any  # the fixture's class lives in conftest, which tests cannot import


def line(amount: str, **detail: Any) -> dict[str, Any]:
    """A line of the item every company has."""
    inner = {"ItemRef": {"value": "1"}, **detail}
    return {"DetailType": "SalesItemLineDetail", "Amount": float(amount), "SalesItemLineDetail": inner}


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("selekt * from Customer", "4000"),
        ("select * from Customer where", "4000"),
        ("select * from Customer where DisplayName = 'a' or Id = '1'", "4000"),
        ("select * from Customer where DisplayName != 'a'", "4000"),
        ("select * from Customer where DisplayName = “a”", "4000"),
        ("select * from Customer startposition x", "4000"),
        ("select * from Customer startposition 0", "4001"),
        ("select * from Customer maxresults 1001", "4001"),
        ("select * from Nonsense", "4001"),
        ("select * from Invoice where PrivateNote = 'x'", "4001"),
        ("select * from Invoice where DepartmentRef = '1'", "4001"),
        ("select * from Invoice where Id > '1'", "4001"),
        ("select * from Invoice where Balance = 'much'", "4001"),
        ("select Colour from Invoice", "4001"),
    ],
)
async def test_query_refusals(books: Books, statement: str, code: str) -> None:
    """What the language lacks is 4000, what it forbids is 4001."""
    await books.bill()
    answer = await books.call("POST", "query", content=statement.encode())
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, code)


async def test_query_by_time_number_and_reference(books: Books, clock: Any) -> None:
    """Time bounds honour offsets, numbers compare as numbers, references by value, dates as dates."""
    first = await books.bill(line("9"))
    await clock.sleep(3000)
    second = await books.bill(line("100"), TxnDate="2026-02-01")
    for where, ids in {
        "MetaData.LastUpdatedTime > '2026-03-01T12:20:00Z'": [second["Id"]],
        "Metadata.CreateTime <= '2026-03-01T04:00:00-08:00'": [first["Id"]],
        "Balance > '50'": [second["Id"]],
        "TotalAmt < 50 and CustomerRef = '1'": [first["Id"]],
        "TxnDate < '2026-03-01'": [second["Id"]],
        "TxnDate = CURRENT_DATE": [first["Id"]],
        f"Id in ('{second['Id']}', '99')": [second["Id"]],
        "DocNumber like '100%' ORDERBY Balance DESC": [second["Id"], first["Id"]],
    }.items():
        found = await books.query(f"select * from Invoice where {where}")  # noqa: S608 - not SQL
        assert [row["Id"] for row in found.get("Invoice", [])] == ids, where
    assert await books.query("select Id, DocNumber from invoice where Id = '1'") == {
        "Invoice": [{"Id": "1", "domain": "QBO", "sparse": True, "DocNumber": "1001"}],
        "startPosition": 1,
        "maxResults": 1,
    }
    assert await books.query("select * from Invoice startposition 3") == {}


async def test_a_star_leaves_out_sku(books: Books) -> None:
    """It must be asked for, as python-quickbooks does; counts and pages go by what is there."""
    for number in range(3):
        await books.save("Item", {"Name": f"I{number}", "Sku": f"s{number}", "IncomeAccountRef": {"value": "1"}})
    plain = (await books.query("select * from Item where Sku = 's1'"))["Item"][0]
    assert (plain["Name"], "Sku" in plain) == ("I1", False)
    assert (await books.query("select *, Sku from Item where Name = 'I1'"))["Item"][0]["Sku"] == "s1"
    page = await books.query("select * from Item orderby Name desc startposition 2 maxresults 2")
    assert ([row["Name"] for row in page["Item"]], page["startPosition"], page["maxResults"]) == (["I2", "I1"], 2, 2)


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_statements_come_in_address_or_body(books: Books, method: str) -> None:
    """`GET ?query=` as node-quickbooks sends it, `POST` as application/text; a hundred rows unless asked for more."""
    await books.admin("seed", size=101, seed=1)
    for statement, rows in (("select * from customer", 100), ("SELECT * FROM Customer MAXRESULTS 1000", 101)):
        sent: dict[str, Any] = {"params": {"query": statement}}
        if method == "POST":
            sent = {"content": statement.encode()}
        answer = await books.call(method, "query", **sent)
        assert len(answer.json()["QueryResponse"]["Customer"]) == rows
