"""SOQL against a small org."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.changes import Change
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.fields import Field
from connectors.sandbox.salesforce.org import Org, Unit, View
from connectors.sandbox.salesforce.seed import furnish
from connectors.sandbox.salesforce.soql.literals import Today
from connectors.sandbox.salesforce.soql.select import Result, run

NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)


class Nowhere:
    """Keeps nothing."""

    def save(self, changes: list[Change]) -> None:
        """Drop the changes."""

    def declare(self, name: str, field: Field) -> None:
        """Drop the field."""

    def bury(self, _purged: object) -> None:
        """Keep nothing."""

    def announce(self, *_told: object) -> None:
        """Tell nobody."""


def _make(unit: Unit, name: str, **values: object) -> str:
    return records.create(unit, unit.org.schema.addressed(name), values)


@pytest.fixture
def unit() -> Unit:
    """Three accounts, of which two have opportunities, a day apart."""
    org = Org("acme", 1, Nowhere())  # type: ignore[arg-type]  # what an org uses of a journal
    made = org.unit(NOW - timedelta(days=4))
    furnish(made)
    made.commit()
    for number, (name, size) in enumerate((("Ärger & Co", 10), ("100% Pure_Oil", 20), ("O'Neil", None))):
        made.now = NOW - timedelta(days=3 - number)
        account = _make(made, "Account", Name=name, NumberOfEmployees=size, BillingCity="Bonn")
        if number < 2:
            _make(
                made,
                "Opportunity",
                Name=f"Deal {number}",
                AccountId=account,
                StageName="Closed Won" if number else "Prospecting",
                CloseDate=f"2026-03-1{number}",
                Amount=100 * (number + 1),
            )
    made.now = NOW
    return made


def _run(unit: Unit, text: str, *, deleted: bool = False) -> Result:
    today = Today(unit.now, ZoneInfo("America/New_York"))
    return run(text, unit.org.schema, View(unit, deleted=deleted), today, "67.0")


def _names(unit: Unit, rest: str) -> list[Any]:
    return [row["Name"] for row in _run(unit, f"SELECT Name FROM {rest}").records]  # noqa: S608 - SOQL


ALL = ["Ärger & Co", "100% Pure_Oil", "O'Neil"]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("Name = 'äRGER & co'", [0]),
        ("Name != 'O\\'Neil'", [0, 1]),
        ("Name LIKE '%pure\\_oil'", [1]),
        ("Name LIKE '100\\%%'", [1]),
        ("Name LIKE '_rger%'", [0]),
        ("NOT Name LIKE '%o%'", []),
        ("NumberOfEmployees > 10", [1]),
        ("NumberOfEmployees >= 10 AND NumberOfEmployees <= 20", [0, 1]),
        ("NumberOfEmployees = null", [2]),
        ("NumberOfEmployees != 10", [1, 2]),
        ("NumberOfEmployees < 15", [0]),
        ("(Name LIKE 'O%' OR NumberOfEmployees = 10) AND BillingCity = 'bonn'", [0, 2]),
        ("Name IN ('o\\'neil', 'nobody')", [2]),
        ("Name NOT IN ('o\\'neil')", [0, 1]),
        ("Id IN (SELECT AccountId FROM Opportunity WHERE IsWon = true)", [1]),
        ("Id NOT IN (SELECT AccountId FROM Opportunity)", [2]),
        ("CreatedDate >= 2026-03-08T15:30:00Z", [1, 2]),
        ("CreatedDate < 2026-03-08T16:30:00+01:00", [0]),
        ("CreatedDate = YESTERDAY", [2]),
        ("CreatedDate = LAST_N_DAYS:2", [1, 2]),
        ("CreatedDate < LAST_N_DAYS:2", [0]),
        ("Owner.Name = 'Integration User'", [0, 1, 2]),
    ],
)
def test_where(unit: Unit, where: str, found: list[int]) -> None:
    """Comparison, LIKE, IN, semi-joins, instants and date literals select as the SOQL reference says."""
    assert _names(unit, f"Account WHERE {where} ORDER BY CreatedDate") == [ALL[index] for index in found]


def test_date_literals_count_days_of_the_users_zone(unit: Unit) -> None:
    """Three in the morning UTC is still yesterday in New York."""
    unit.now = datetime(2026, 3, 11, 3, 0, tzinfo=UTC)
    assert _names(unit, "Opportunity WHERE CloseDate = TODAY") == ["Deal 0"]
    assert _names(unit, "Opportunity WHERE CloseDate = TOMORROW") == ["Deal 1"]
    assert _names(unit, "Opportunity WHERE CloseDate = 2026-03-11") == ["Deal 1"]


def test_order_puts_empty_fields_where_it_is_told(unit: Unit) -> None:
    """Empty fields come first unless NULLS LAST; a second key decides among equals."""
    order = "Account ORDER BY NumberOfEmployees"
    assert _names(unit, order) == [ALL[2], ALL[0], ALL[1]]
    assert _names(unit, f"{order} DESC NULLS LAST") == [ALL[1], ALL[0], ALL[2]]
    assert _names(unit, "Account ORDER BY BillingCity DESC, CreatedDate DESC") == [ALL[2], ALL[1], ALL[0]]


def test_limit_offset_and_count(unit: Unit) -> None:
    """A window shortens the result and its total; COUNT() gives the total alone."""
    assert _names(unit, "Account ORDER BY CreatedDate LIMIT 1 OFFSET 1") == [ALL[1]]
    assert _run(unit, "SELECT COUNT() FROM Account") == Result(3, [])


def test_parents_and_children_nest(unit: Unit) -> None:
    """A parent path nests the parent, a child subquery a small result; both are null where nothing is there."""
    rows = _run(unit, "SELECT Name, Owner.Name, (SELECT Name FROM Opportunities) FROM Account ORDER BY CreatedDate")
    first, _, last = rows.records
    assert first["Owner"]["Name"] == "Integration User"
    assert first["attributes"]["url"].startswith("/services/data/v67.0/sobjects/Account/001")
    assert (first["Opportunities"]["totalSize"], first["Opportunities"]["records"][0]["Name"]) == (1, "Deal 0")
    assert last["Opportunities"] is None
    orphan = _make(unit, "Contact", LastName="Solo")
    found = _run(unit, f"SELECT Account.Name FROM Contact WHERE Id = '{orphan[:15]}'").records  # noqa: S608 - SOQL
    assert found[0]["Account"] is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT COUNT(Id) FROM Account", [{"expr0": 3}]),
        (
            "SELECT SUM(Amount) total, MIN(CloseDate), MAX(Amount) m, AVG(NumberOfEmployees) FROM Opportunity",
            None,
        ),
        (
            "SELECT SUM(Amount) total, MIN(CloseDate), MAX(Amount), COUNT_DISTINCT(AccountId) n FROM Opportunity",
            [{"total": 300.0, "expr0": "2026-03-10", "expr1": 200.0, "n": 2}],
        ),
        (
            "SELECT Account.BillingCity, COUNT(Id) FROM Opportunity GROUP BY Account.BillingCity",
            [{"BillingCity": "Bonn", "expr0": 2}],
        ),
        (
            "SELECT Name, MAX(CreatedDate) a FROM Account GROUP BY Name ORDER BY AVG(NumberOfEmployees) DESC LIMIT 1",
            [{"Name": "O'Neil", "a": "2026-03-09T15:30:00.000+0000"}],
        ),
        ("SELECT SUM(Amount) FROM Opportunity WHERE Amount > 999", [{"expr0": None}]),
        ("SELECT StageName, COUNT(Id) FROM Opportunity WHERE Amount > 999 GROUP BY StageName", []),
    ],
)
def test_groups_are_counted(unit: Unit, text: str, expected: list[dict[str, Any]] | None) -> None:
    """Aggregates with and without alias, over groups and over everything, empty ones included."""
    if expected is None:
        with pytest.raises(ApiError, match="No such column 'NumberOfEmployees'"):
            _run(unit, text)
        return
    rows = _run(unit, text).records
    assert [{name: value for name, value in row.items() if name != "attributes"} for row in rows] == expected
    assert all(row["attributes"] == {"type": "AggregateResult"} for row in rows)


def test_fields_groups(unit: Unit) -> None:
    """FIELDS(STANDARD) has no custom field; FIELDS(ALL) has and needs a LIMIT of at most 200."""
    standard = _run(unit, "SELECT FIELDS(STANDARD) FROM Account").records[0]
    every = _run(unit, "SELECT FIELDS(ALL) FROM Account LIMIT 200").records[0]
    assert "Name" in standard
    assert "Customer_Tier__c" not in standard
    assert "Customer_Tier__c" in every
    with pytest.raises(ApiError, match="LIMIT of at most 200"):
        _run(unit, "SELECT FIELDS(ALL) FROM Account")


def test_deleted_records_are_seen_only_when_asked_for(unit: Unit) -> None:
    """The recycle bin belongs to queryAll."""
    account = _run(unit, "SELECT Id FROM Account WHERE Name = 'O\\'Neil'").records[0]["Id"]
    records.delete(unit, unit.org.schema.addressed("Account"), account)
    assert _run(unit, "SELECT COUNT() FROM Account").total == 2
    assert _run(unit, "SELECT Id FROM Account WHERE IsDeleted = true", deleted=True).total == 1


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("SELECT Id FORM Account", "MALFORMED_QUERY", "expecting 'FROM', found 'FORM'"),
        ("SELECT Id, FROM Account", "MALFORMED_QUERY", "unexpected token: 'FROM'"),
        ("SELECT Id FROM Account WHERE Name = 'x", "MALFORMED_QUERY", "unexpected token"),
        ("SELECT Id FROM Account WHERE Name = '\\q'", "MALFORMED_QUERY", "Illegal character sequence"),
        ("SELECT Id FROM Account WHERE A = 1 AND B = 2 OR C = 3", "MALFORMED_QUERY", "unexpected token: 'OR'"),
        ("SELECT Id FROM Account GROUP BY Name", "MALFORMED_QUERY", "must be grouped or aggregated: Id"),
        ("SELECT Name FROM Account GROUP BY Name HAVING COUNT(Id) > 1", "MALFORMED_QUERY", "HAVING is not served"),
        ("SELECT SUM(Name) FROM Account", "MALFORMED_QUERY", "does not support aggregate operator SUM"),
        ("SELECT CALENDAR_YEAR(CloseDate) FROM Opportunity", "MALFORMED_QUERY", "functions are not served"),
        ("SELECT Id FROM Account LIMIT many", "MALFORMED_QUERY", "unexpected token: 'many'"),
        ("SELECT Id FROM Nope", "INVALID_TYPE", "sObject type 'Nope' is not supported"),
        ("SELECT Nope FROM Account", "INVALID_FIELD", "No such column 'Nope' on entity 'Account'"),
        ("SELECT Nope.Name FROM Account", "INVALID_FIELD", "Didn't understand relationship 'Nope'"),
        ("SELECT Id, (SELECT Id FROM Nopes) FROM Account", "INVALID_TYPE", "Didn't understand relationship 'Nopes'"),
        ("SELECT Id, Id FROM Account", "INVALID_FIELD", "duplicate field selected: Id"),
        ("SELECT Id FROM Account WHERE Description = 'x'", "INVALID_FIELD", "can not be filtered"),
        ("SELECT Id FROM Account WHERE NumberOfEmployees = 'x'", "INVALID_FIELD", "must be of type int"),
        ("SELECT Id FROM Account WHERE CreatedDate > '2026-01-01'", "INVALID_FIELD", "must be of type dateTime"),
        ("SELECT Id FROM Opportunity WHERE CloseDate > 2026-01-01T00:00:00Z", "INVALID_FIELD", "must be of type date"),
        ("SELECT Id FROM Account WHERE Id = 'x'", "INVALID_QUERY_FILTER_OPERATOR", "invalid ID field"),
        ("SELECT Id FROM Account WHERE Name > null", "INVALID_QUERY_FILTER_OPERATOR", "only = and !="),
        ("SELECT Id FROM Account WHERE Name IN (SELECT Name FROM Contact)", "INVALID_QUERY_FILTER_OPERATOR", "id or"),
    ],
)
def test_refusals(unit: Unit, text: str, code: str, message: str) -> None:
    """What cannot be served has the vendor's code and says what and where."""
    with pytest.raises(ApiError) as caught:
        _run(unit, text)
    assert caught.value.code == code
    assert message in caught.value.message
    assert "ERROR at Row:1:Column:" in caught.value.message
