"""What was taken in already changes nothing, however often and with whatever version it comes again."""

import itertools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import connectors
from connectors.kafka.codec import Codec
from streams.stages import absorb, content
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import ACCOUNT, CONTACT, Company, at, envelope, opportunity, snapshot, stored, version

FOLDER = Path(connectors.__file__).parent
PROSPECT = {
    "id": 7, "updatedAt": at(0), "email": "ann@acme.example", "firstName": "Ann", "lastName": "Lee", "company": "Acme",
    "phone": None, "website": "https://b.example",
}  # fmt: skip
CUSTOMER = {
    "DisplayName": "Ann Lee", "GivenName": "Ann", "FamilyName": "Lee", "WebAddr": {"URI": "https://a.example"},
    "PrimaryEmailAddr": {"Address": "ann@acme.example"},
}  # fmt: skip


def customer(company: Company, second: int, **more: Any) -> None:
    """Take in the customer in the accounts."""
    body = {**envelope("58", second), **CUSTOMER}
    company.record("quickbooks", "Customer", body, version(second), **more)


def prospect(company: Company, second: int) -> None:
    """Take in the prospect who is the same person."""
    at_, _, _ = version(second).partition("/")
    company.record("pardot", "Prospect", {**PROSPECT, "updatedAt": at_}, at_)


SAYINGS: Mapping[str, Callable[[int, int], tuple[str, str, dict[str, Any], str]]] = {
    "account": lambda v, n: ("salesforce", "Account", {**ACCOUNT, "Industry": f"I{n}", "SystemModstamp": at(v)}, at(v)),
    "contact": lambda v, n: ("salesforce", "Contact", {**CONTACT, "LastName": f"Lee{n}", "LeadSource": "Web"}, at(v)),
    "silent": lambda v, n: ("salesforce", "Contact", {"Id": "003A", "FirstName": "Ann", "LastName": f"Lee{n}"}, at(v)),
    "prospect": lambda v, n: ("pardot", "Prospect", {**PROSPECT, "website": f"https://{n}.example"}, at(v)),
    "customer": lambda v, n: (
        "quickbooks", "Customer",
        {**envelope("58", v), **CUSTOMER, "WebAddr": {"URI": f"https://{n}.example"}}, version(v),
    ),
    "invoice": lambda v, n: ("quickbooks", "Invoice", stored("Invoice", "145", v, Balance=n), version(v)),
}  # fmt: skip
"""What a vendor says with a version, in one of a few variants."""


SECONDARY = {"version", "changed_at", "conflicts"}
"""That a loser of long ago still disagrees shows only when it says so again."""


def told(pipeline: Pipeline, codec: Codec, said: Sequence[tuple[str, int, int]]) -> tuple[Any, Any]:
    """What a log leads to: the canonical records, with who set each field, and the rows that identify."""
    company = Company(pipeline)
    company.connect()
    for kind, number, variant in said:
        company.record(*SAYINGS[kind](number, variant))
    rows = sorted(company.state.rows.items())
    records = [codec.decode(row)[1] for key, row in rows if key.startswith((b"party\x1f", b"invoice\x1f"))]
    fields = [{name: one[name] for name in one if name not in SECONDARY} for one in records]
    identify = [row for row in rows if row[0].startswith((b"match\x1f", b"block\x1f", b"document\x1f"))]
    traits = [(key, codec.decode(row)[1]["traits"]) for key, row in rows if key.startswith(b"link\x1f")]
    return fields, identify + traits


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(sorted(SAYINGS)), st.integers(1, 5), st.integers(0, 1)), max_size=12))
@example([("contact", 1, 0), ("silent", 1, 0), ("silent", 2, 0)])
def test_passing_over_says_what_taking_in_again_would(
    templates: Templates, codec: Codec, said: list[tuple[str, int, int]]
) -> None:
    """Whatever order, repeats and versions: the same records come out as if nothing were recognised."""
    pipeline, numbers = Pipeline(codec, templates), itertools.count()
    found = told(pipeline, codec, said)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(content, "digest", lambda *_: str(next(numbers)))
        assert told(pipeline, codec, said) == found


@pytest.mark.parametrize("kind", sorted(SAYINGS))
def test_the_same_again_leaves_every_row(company: Company, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Not even its template is asked."""
    company.connect()
    company.record(*SAYINGS[kind](1, 0))
    rows, emits = dict(company.state.rows), len(company.emits)
    monkeypatch.setattr(absorb, "draft", None)
    company.record(*SAYINGS[kind](1, 0))
    assert (company.state.rows, len(company.emits)) == (rows, emits)


@pytest.mark.parametrize("kind", ["account", "contact", "invoice"])
def test_a_newer_version_vouches_for_what_it_repeats(
    company: Company, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Nothing is emitted nor mapped, and an older version that comes later is older still."""
    company.connect()
    company.record(*SAYINGS[kind](1, 0))
    emits = len(company.emits)
    with monkeypatch.context() as patch:
        patch.setattr(absorb, "draft", None)
        company.record(*SAYINGS[kind](4, 0))
    company.record(*SAYINGS[kind](3, 1))
    assert len(company.emits) == emits


@pytest.mark.parametrize(("ours", "website"), [(True, "https://b.example"), (False, "https://a.example")])
def test_our_own_write_is_no_new_word(company: Company, ours: bool, website: str) -> None:
    """What we wrote comes back with a newer version, but its vendor's people said nothing since."""
    company.connect()
    customer(company, 1)
    prospect(company, 2)
    assert company.only("party")["website"] == "https://b.example"
    customer(company, 3, ours=ours)
    assert company.only("party")["website"] == website


@pytest.mark.parametrize(
    ("change", "ours", "asked"),
    [
        ({}, True, False),
        ({"Sluiceway_Invoice_Number__c": "1001"}, True, False),
        ({}, False, True),
        ({"CloseDate": "2026-03-31"}, True, True),
        ({"Amount": 7}, True, True),
    ],
)
def test_our_write_to_a_won_opportunity_asks_for_nothing(
    company: Company, change: dict[str, Any], ours: bool, asked: bool
) -> None:
    """Unless it shows that something else has changed, too."""
    company.connect()
    company.record("salesforce", "Opportunity", opportunity(), at(1))
    company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    commands = company.record("salesforce", "Opportunity", {**opportunity(5), **change}, at(5), ours=ours)
    assert [c.operation for c in commands] == (["FETCH"] if asked else [])


def test_other_settings_read_the_same_content_anew(company: Company) -> None:
    """A mapping that the tenant changes applies to what comes again."""
    company.connect()
    company.record("salesforce", "Account", ACCOUNT, at(1))
    text = (
        (FOLDER / "salesforce/mapping/account.yaml")
        .read_text()
        .replace("text(source.Industry)", "lower(source.Industry)")
    )
    company.connect(revision=2, mappings={"salesforce/account": text})
    company.record("salesforce", "Account", ACCOUNT, at(1))
    assert company.only("party")["industry"] == "retail"


@pytest.mark.parametrize(
    ("template", "one", "other", "same"),
    [
        ("salesforce/account", {"Name": "A", "SystemModstamp": "1"}, {"Name": "A", "SystemModstamp": "2"}, True),
        ("salesforce/account", {"Name": "A", "Unread__c": "1"}, {"Name": "A"}, True),
        ("salesforce/account", {"Name": "A", "Phone": None}, {"Name": "A"}, False),
        ("salesforce/account", {"Name": "A"}, {"Name": "B"}, False),
        ("quickbooks/customer", {"DisplayName": "A", "BillAddr": None}, {"DisplayName": "A"}, True),
        ("quickbooks/customer", {"SyncToken": "1", "MetaData": {"LastUpdatedTime": "1"}}, {"SyncToken": "2"}, True),
        ("quickbooks/customer", {"BillAddr": {"City": "A", "Lat": "1"}}, {"BillAddr": {"City": "A"}}, True),
    ],
)
def test_content_is_what_the_template_reads(
    templates: Templates, template: str, one: dict[str, Any], other: dict[str, Any], same: bool
) -> None:
    """But for the version; and where an absent field is unknown, an empty one says more."""
    digests = {content.digest(templates.named(template), "settings", body) for body in (one, other)}
    assert (len(digests) == 1) is same
