"""Fields that two systems disagree on and a person decides."""

import json

import pytest

from connectors.errors import MappingError
from connectors.kafka.records import ConnectionChanged, Decision, ReviewItem
from connectors.kafka.topics import REVIEW
from tests.unit.stages.kit import ACCOUNT, ALL, AT, TENANT, Company, at, stored, version

SHOWN = {"DisplayName": "Acme, Inc.", "CompanyName": "Acme, Inc."}


@pytest.fixture
def held(company: Company) -> Company:
    """A tenant that wants to be asked about websites and addresses; Salesforce has spoken first."""
    policies = {"party.website": "hold", "party.billing_address": "hold"}
    accounts = dict.fromkeys(ALL, "1")
    company.take(ConnectionChanged(TENANT, 1, accounts, "America/New_York", "USD", policies=policies))
    company.record("salesforce", "Account", {**ACCOUNT, "Website": "https://s.example"}, at(1))
    return company


def questions(company: Company) -> list[ReviewItem]:
    """Return what was put to a person about fields, in order."""
    items = (emit.value for emit in company.emits if emit.topic is REVIEW)
    return [item for item in items if isinstance(item, ReviewItem) and item.kind == "field"]


def accounts_say(company: Company, second: int, website: str) -> None:
    """Take in the customer as QuickBooks has it."""
    customer = stored("Customer", "58", second, WebAddr={"URI": website}, **SHOWN)
    company.record("quickbooks", "Customer", customer, version(second))


def decide(company: Company, verdict: str, review: str) -> None:
    """Take in a person's decision."""
    company.take(Decision(TENANT, verdict, AT, review=review, by="eve"))


def test_a_question_is_put_once_per_pair_of_values(held: Company) -> None:
    """What stands goes on standing; the record names the question, which names both values and who says them."""
    accounts_say(held, 2, "https://q.example")
    accounts_say(held, 3, "https://q.example")
    (item,) = questions(held)
    party = held.only("party")
    assert (item.open, item.object_key) == (True, f"party/{party['id']}")
    assert json.loads(item.candidates[0]) == {
        "field": "website",
        "stands": '"https://s.example"',
        "set_by": f"salesforce/Account/{at(1)}",
        "refused": '"https://q.example"',
        "refused_by": f"quickbooks/Customer/{version(2)}",
    }
    assert party["website"] == "https://s.example"
    assert [(entry["refused"], entry["review"]) for entry in party["conflicts"]] == [('"https://q.example"', item.id)]


def test_what_was_accepted_stands_until_a_system_says_something_new(held: Company) -> None:
    """The former value coming again is refused unasked; a new one is a new question and does not stand either."""
    accounts_say(held, 2, "https://q.example")
    decide(held, "accept", questions(held)[0].id)
    assert held.only("party")["website"] == "https://q.example"
    held.record("salesforce", "Account", {**ACCOUNT, "Website": "https://s.example", "Industry": "Mining"}, at(3))
    assert (held.only("party")["website"], held.only("party")["industry"]) == ("https://q.example", "Mining")
    assert [item.open for item in questions(held)] == [True, False]
    held.record("salesforce", "Account", {**ACCOUNT, "Website": "https://t.example"}, at(4))
    assert held.only("party")["website"] == "https://q.example"
    assert [item.open for item in questions(held)] == [True, False, True]


def test_what_was_rejected_is_not_asked_again(held: Company) -> None:
    """The value stays refused, visibly, and no question is open."""
    accounts_say(held, 2, "https://q.example")
    decide(held, "reject", questions(held)[0].id)
    accounts_say(held, 3, "https://q.example")
    (conflict,) = held.only("party")["conflicts"]
    assert (held.only("party")["website"], conflict["review"]) == ("https://s.example", None)
    assert [item.open for item in questions(held)] == [True, False]
    decide(held, "accept", questions(held)[0].id)
    assert held.only("party")["website"] == "https://s.example"


def test_a_question_is_closed_when_the_systems_agree(held: Company) -> None:
    """Nobody needs to answer what is settled."""
    accounts_say(held, 2, "https://q.example")
    accounts_say(held, 3, "https://s.example")
    assert [item.open for item in questions(held)] == [True, False]
    assert held.only("party")["conflicts"] == []


def test_a_whole_address_can_be_accepted(held: Company) -> None:
    """It comes back from the question with all its parts."""
    address = {"Line1": "2 Side St", "City": "Austin", "CountrySubDivisionCode": "TX", "Country": "USA"}
    customer = stored("Customer", "58", 2, WebAddr={"URI": "https://s.example"}, BillAddr=address, **SHOWN)
    held.record("quickbooks", "Customer", customer, version(2))
    decide(held, "accept", questions(held)[0].id)
    found = held.only("party")["billing_address"]
    assert (found["line1"], found["region"], found["postal_code"]) == ("2 Side St", "TX", None)


def test_a_field_is_neither_merged_nor_split(held: Company) -> None:
    """Other verdicts are refused with what may be said."""
    accounts_say(held, 2, "https://q.example")
    with pytest.raises(MappingError, match="accept, reject"):
        decide(held, "merged", questions(held)[0].id)


def test_new_conflicts_are_counted_by_field_and_policy(held: Company) -> None:
    """Once, when they arise."""
    accounts_say(held, 2, "https://q.example")
    accounts_say(held, 3, "https://q.example")
    counted = [pair for emit in held.emits for pair in emit.disputed if pair[0] == "website"]
    assert counted == [("website", "hold")]
