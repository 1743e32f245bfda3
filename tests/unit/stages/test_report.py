"""The match report: recorded events through identity, without any write."""

import json

from msgspec.structs import replace

from connectors.kafka.codec import Codec
from connectors.kafka.records import VendorRecord
from streams.commands.reconcile import lines
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from streams.stages.report import Rehearsal, Tally
from tests.unit.stages.kit import ACCOUNT, CONTACT, Company, at, stored, version
from tests.unit.stages.shop import VENDORS, order, reviews, tell


def rehearsed(company: Company, codec: Codec, templates: Templates) -> Rehearsal:
    """Return a rehearsal of what the company took in."""
    rehearsal = Rehearsal(Pipeline(codec, templates))
    for value in company.taken:
        rehearsal.take(value)
    return rehearsal


def test_linked_ambiguous_and_new_are_told_apart(company: Company, codec: Codec, templates: Templates) -> None:
    """For each type of object of each vendor; what fails is named with its reason and leaves nothing."""
    company.connect()
    company.record("salesforce", "Account", ACCOUNT, at(1))
    company.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    company.record("quickbooks", "Customer", stored("Customer", "59", CompanyName="Globex"), version(0))
    company.record("salesforce", "Contact", CONTACT, at(1))
    company.record("salesforce", "Contact", {**CONTACT, "Id": "003B", "FirstName": "Bob"}, at(1))
    rehearsal = rehearsed(company, codec, templates)
    rehearsal.take(company.taken[0])
    broken = company.taken[-1]
    assert isinstance(broken, VendorRecord)
    rehearsal.take(replace(broken, body=b"{"))
    report = rehearsal.report()
    assert report.tallies == {
        "quickbooks/Customer": Tally(linked=1, new=1),
        "salesforce/Account": Tally(linked=1),
        "salesforce/Contact": Tally(ambiguous=1, new=1),
    }
    assert [count for reason, count in report.failed.items() if "JSON" in reason] == [1]
    text = "\n".join(lines(report, as_json=False))
    assert "salesforce/Contact" in text
    assert "email same" in text
    assert json.loads("\n".join(lines(report, as_json=True)))["records"]["quickbooks/Customer"]["linked"] == 1


def test_other_questions_are_none_of_who_is_who(company: Company, codec: Codec, templates: Templates) -> None:
    """An order that waits makes nobody ambiguous, and is not told as somebody who may be somebody else."""
    company.connect(*VENDORS, rules="rules: [{name: all, when: 'true', then: {hold: true}}]")
    tell(company, order(), "1")
    assert len(reviews(company)) == 1
    assert rehearsed(company, codec, templates).report().questions == []
