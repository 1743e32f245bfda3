"""What every sink that creates must do, shown on real sandboxes."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import FatalError, InDoubtError, RejectedError, RetryableError
from connectors.ports import Call, RemoteRef
from connectors.wire import loads

Company = Any  # the fixture's class lives in conftest, which tests cannot import
Connect = Callable[..., Awaitable[Company]]
MakeCall = Callable[..., Call]


@dataclass(frozen=True, slots=True)
class Case:
    """One object of one vendor: content, a change of it, and content the vendor refuses."""

    vendor: str
    object: str
    body: Mapping[str, Any]
    changed: Mapping[str, Any]
    refused: Mapping[str, Any]
    stored_as: str = ""
    needs_customer: bool = False


def line(amount: str, price: str) -> dict[str, Any]:
    """Make a line of two pieces."""
    detail = {"ItemRef": {"value": "1"}, "Qty": 2, "UnitPrice": Decimal(price)}
    return {"Amount": Decimal(amount), "DetailType": "SalesItemLineDetail", "SalesItemLineDetail": detail}


SALE = {"Line": [line("20.50", "10.25")], "PrivateNote": "From the web"}
RESOLD = {"Line": [line("30.50", "15.25")], "PrivateNote": "From the web"}
WRONG = {"Line": [line("99.99", "10.25")]}
CASES = [
    Case(
        "quickbooks",
        "Customer",
        {"DisplayName": "Ada O'Neil & Søn", "PrimaryEmailAddr": {"Address": "ada@example.com"}},
        {"DisplayName": "Ada O'Neil & Søn", "CompanyName": "Analytical"},
        {"DisplayName": "Ada:Lovelace"},
    ),
    Case(
        "quickbooks",
        "Item",
        {"Name": "Box", "Sku": "S-1", "Type": "Service", "IncomeAccountRef": {"value": "1"}},
        {"Name": "Box", "Sku": "S-1", "UnitPrice": Decimal("12.50")},
        {"Name": "x" * 101, "Type": "Service", "IncomeAccountRef": {"value": "1"}},
    ),
    Case("quickbooks", "Invoice", SALE, RESOLD, WRONG, needs_customer=True),
    Case("quickbooks", "SalesReceipt", SALE, RESOLD, WRONG, needs_customer=True),
    Case(
        "pardot",
        "Prospect",
        {"email": "Ada@Example.com", "firstName": "Ada"},
        {"email": "ada@example.com", "firstName": "Augusta"},
        {"email": "no address"},
        stored_as="prospects",
    ),
]


@pytest.fixture(params=CASES, ids=lambda case: f"{case.vendor}-{case.object}")
def case(request: pytest.FixtureRequest) -> Case:
    """Each object in turn."""
    found: Case = request.param
    return found


@pytest.fixture
async def company(case: Case, connect: Connect) -> Company:
    """A company of the case's vendor."""
    return await connect(case.vendor)


@pytest.fixture
async def call(case: Case, company: Company, make_call: MakeCall) -> Call:
    """The create of the case; a sale gets its customer first."""
    body = dict(case.body)
    if case.needs_customer:
        customer = await company.write(make_call("Customer", {"DisplayName": "Buyer"}, key="party/1"))
        body["CustomerRef"] = {"value": customer.remote.id}
    return make_call(case.object, body)


async def own(company: Company, case: Case) -> list[dict[str, Any]]:
    """Return the stored objects of the case; every company begins with an item."""
    found: list[dict[str, Any]] = await company.records(case.stored_as or case.object)
    return [row for row in found if row.get("Name") != "Services"]


def changed(case: Case, call: Call, remote: RemoteRef | None) -> Call:
    """Return the update of what `call` created."""
    references = {name: value for name, value in call.body.items() if name == "CustomerRef"}
    return replace(call, body={**case.changed, **references}, request_id="r-changed", remote=remote)


async def test_a_create_makes_one_object(company: Company, case: Case, call: Call) -> None:
    """The outcome has its id, its content and a version."""
    outcome = await company.write(call)
    assert outcome.error is None
    [stored] = await own(company, case)
    assert str(stored.get("Id", stored.get("id"))) == outcome.remote.id
    assert str(loads(outcome.body).get("Id", loads(outcome.body).get("id"))) == outcome.remote.id
    assert outcome.version


async def test_an_update_changes_that_object(company: Company, case: Case, call: Call) -> None:
    """Still one object, with the new content and no older version."""
    first = await company.write(call)
    second = await company.write(changed(case, call, first.remote))
    assert second.error is None
    assert second.remote.id == first.remote.id
    assert second.version >= first.version
    [stored] = await own(company, case)
    for name, value in case.changed.items():
        if name not in {"Line", "PrivateNote"}:
            assert (Decimal(str(stored[name])) if isinstance(value, Decimal) else stored[name]) == value
    if "Line" in case.changed:
        assert Decimal(str(stored["TotalAmt"])) == Decimal("30.50")


async def test_a_repeated_create_is_one_object(company: Company, case: Case, call: Call) -> None:
    """The same request id gives the same answer, whether or not the first was heard."""
    outcomes = [await company.write(call) for _ in range(3)]
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert len({outcome.remote.id for outcome in outcomes}) == 1
    assert len(await own(company, case)) == 1


@pytest.mark.parametrize("kind", ["commit_then_reset", "malformed_body"])
async def test_what_was_written_unheard_is_found(kind: str, company: Company, case: Case, call: Call) -> None:
    """The write is in doubt, the look-up finds the object, nothing is written again."""
    await company.fault(kind, path=WRITES[case.vendor])
    assert type((await company.write(call)).error) is InDoubtError
    found = await company.sink.find(call)
    assert found is not None
    assert found.error is None
    [stored] = await own(company, case)
    assert str(stored.get("Id", stored.get("id"))) == found.remote.id


async def test_what_was_never_written_is_not_found(company: Company, case: Case, call: Call) -> None:
    """The write is in doubt, the look-up says no, the repeat makes one object."""
    await company.fault("reset_before_commit", path=WRITES[case.vendor])
    assert type((await company.write(call)).error) is InDoubtError
    assert await company.sink.find(call) is None
    assert (await company.write(call)).error is None
    assert len(await own(company, case)) == 1


async def test_a_known_object_is_read_again(company: Company, case: Case, call: Call) -> None:
    """With its id the look-up returns the object as it is now."""
    first = await company.write(call)
    second = await company.write(changed(case, call, first.remote))
    found = await company.sink.find(replace(call, remote=first.remote))
    assert found is not None
    assert found.remote == second.remote


async def test_refused_content_is_rejected(company: Company, case: Case, call: Call) -> None:
    """The vendor's no is final, nothing is written, the message names no value."""
    references = {name: value for name, value in call.body.items() if name == "CustomerRef"}
    outcome = await company.write(replace(call, body={**case.refused, **references}))
    assert isinstance(outcome.error, RejectedError)
    assert outcome.error.code
    assert await own(company, case) == []


async def test_a_throttle_is_no_doubt(company: Company, case: Case, call: Call) -> None:
    """Nothing was written, and the error tells how long to wait."""
    await company.fault("throttle", path=WRITES[case.vendor])
    outcome = await company.write(call)
    assert type(outcome.error) is RetryableError
    assert outcome.error.retry_after
    assert await own(company, case) == []


async def test_an_expired_token_is_nobodys_business(company: Company, case: Case, call: Call) -> None:
    """A 401 in the middle is refreshed once, and the call succeeds."""
    await company.fault("expire_tokens", path=WRITES[case.vendor])
    assert (await company.write(call)).error is None
    assert len(await own(company, case)) == 1


async def test_a_wrong_client_secret_stops_the_connection(case: Case, connect: Connect, make_call: MakeCall) -> None:
    """The message says which connection, what is wrong and what to do, without the secret."""
    company = await connect(case.vendor, secrets={"client_secret": "wr0ng-s3cr3t"})
    error = (await company.write(make_call(case.object, dict(case.body)))).error
    assert isinstance(error, FatalError)
    assert f"tenant {company.name}, {case.vendor}" in str(error)
    assert "client_secret" in str(error)
    assert "wr0ng" not in str(error)


WRITES = {"quickbooks": "/v3/company/.*/(customer|item|invoice|salesreceipt)$", "pardot": "/api/v5/objects/prospects"}
