"""Prospects as the source reads them, on their way through the pipeline: who they are, and that nothing goes round."""

import json
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors.kafka.codec import Codec, LocalIds
from connectors.pardot.prospects import FETCHED
from streams.stages.mapping import Templates
from streams.stages.mapping.inbound import draft
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import ACCOUNT, CONTACT, Company, at

TEMPLATES = Templates.load(Path(connectors.__file__).parent)
ANN = {
    "id": 9, "email": "ann@acme.example", "firstName": "Ann", "lastName": "Lee", "company": "Acme, Inc.",
    "score": 40, "grade": "B+", "optedOut": False, "isDoNotEmail": False, "isDeleted": False,
    "salesforceContactId": None, "salesforceLeadId": None,
}  # fmt: skip


@pytest.fixture
def company() -> Company:
    """A tenant connected to everything."""
    made = Company(Pipeline(Codec(LocalIds()), TEMPLATES))
    made.connect()
    return made


def polled(company: Company, second: int, **values: Any) -> list[Any]:
    """Take in the prospect as the source reads it; return the commands that follow."""
    body = {**ANN, "updatedAt": f"2026-03-01T05:00:{second:02d}-05:00", **values}
    return company.record("pardot", "Prospect", body, at(second))


def references(party: dict[str, Any]) -> set[tuple[str, str]]:
    """Return where the party is known."""
    return {(ref["object"], ref["id"]) for ref in party["refs"]}


def test_the_source_asks_for_all_that_the_template_reads() -> None:
    """A field that is not asked for would be empty in every record."""
    template = TEMPLATES.inbound("pardot", "Prospect")
    assert template is not None
    assert set(template.sources["source"]) <= set(FETCHED)


@pytest.mark.parametrize("first", ["prospect", "contact"])
def test_a_prospect_and_its_contact_are_one_person(company: Company, first: str) -> None:
    """Whichever comes first, the address joins them; score and grade are there, the CRM's name stands."""
    company.record("salesforce", "Account", ACCOUNT, at(0))
    steps = [
        lambda: polled(company, 1, firstName="Annie"),
        lambda: company.record("salesforce", "Contact", CONTACT, at(0)),
    ]
    for step in steps if first == "prospect" else reversed(steps):
        step()
    party = company.party("Ann Lee")
    assert references(party) == {("Contact", "003A"), ("Prospect", "9")}
    assert {name: str(value) for name, value in party["custom"].items() if value} == {"Score": "40.0000", "Grade": "B+"}


def test_a_prospect_is_told_by_its_contacts_id_where_addresses_differ(company: Company) -> None:
    """The connector's link is worth more than an address."""
    company.record("salesforce", "Contact", CONTACT, at(0))
    polled(company, 1, email="private@ann.example", salesforceContactId="003A")
    assert references(company.party("Ann Lee")) == {("Contact", "003A"), ("Prospect", "9")}


def test_an_opt_out_in_pardot_stands(company: Company) -> None:
    """A later record without it does not take it back."""
    company.record("salesforce", "Contact", CONTACT, at(0))
    polled(company, 1, isDoNotEmail=True)
    polled(company, 2)
    assert company.party("Ann Lee")["opted_out"] is True


def test_a_deleted_prospect_leaves_the_person_and_one_of_its_own_goes(company: Company) -> None:
    """Only the reference goes, and the last one takes the party with it."""
    company.record("salesforce", "Contact", CONTACT, at(0))
    polled(company, 1)
    company.record("pardot", "Prospect", {}, at(2), remote_id="9", deleted=True)
    assert references(company.party("Ann Lee")) == {("Contact", "003A")}
    polled(company, 3, id=10, email="bob@other.example", firstName="Bob")
    company.record("pardot", "Prospect", {}, at(4), remote_id="10", deleted=True)
    assert [party["name"] for party in company.latest("party").values() if party is not None] == ["Ann Lee"]


def test_what_we_wrote_comes_back_and_nothing_follows(company: Company) -> None:
    """The poll after our own write, and Pardot's own changes of the score, are no reason to write again."""
    company.record("salesforce", "Account", ACCOUNT, at(0))
    company.record("salesforce", "Contact", CONTACT, at(0))
    polled(company, 1)
    written = {"Lifetime_Value__c": 600, "Last_Invoice_Number__c": "1001"}
    before = json.dumps(company.latest("party"), default=str, sort_keys=True)
    assert polled(company, 2, **written) == []
    assert json.dumps(company.latest("party"), default=str, sort_keys=True) == before
    assert polled(company, 3, **written, score=90) == []


def test_empty_fields_are_empty_and_absent_ones_say_nothing() -> None:
    """An answer of the sink names few fields; it must not empty the others."""
    template = TEMPLATES.inbound("pardot", "Prospect")
    assert template is not None
    few = draft(template, {"id": 9, "email": "ann@acme.example", "updatedAt": "2026-03-01T05:00:01-05:00"}, {})
    assert set(few.fields) == {"kind", "emails"}
    assert few.custom == {}
