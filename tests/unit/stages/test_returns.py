"""References to what is gone: what it is once it is back, and what its vendor merged it into."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest

from connectors.errors import MappingError
from connectors.kafka.codec import Codec
from connectors.kafka.records import ConnectionChanged, CustomField, Decision
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from tests.unit.stages.kit import ACCOUNT, ALL, AT, CONTACT, TENANT, Company, at, body, of, snapshot, stored, version


def parent_of(company: Company, name: str) -> dict[str, Any] | None:
    """Return the record that a person's organisation leads to, as a reader follows it; None: nowhere."""
    return follow(company, "party", company.party(name)["organisation_id"])


def follow(company: Company, entity: str, id_: str | None) -> dict[str, Any] | None:
    """Return the record that an id leads to."""
    found = company.latest(entity).get(id_ or "")
    return follow(company, entity, found["merged_into"]) if found and found["merged_into"] else found


def gone(company: Company, vendor: str, kind: str, remote_id: str, said: str, **more: Any) -> None:
    """Take in that an object is gone."""
    company.record(vendor, kind, {}, said, remote_id=remote_id, deleted=True, **more)


@pytest.fixture
def acme(company: Company) -> Company:
    """An organisation of two vendors, first of the accounts, with a member and a payment; then both objects go."""
    company.connect()
    company.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    company.record("salesforce", "Account", ACCOUNT, at(1))
    company.record("salesforce", "Contact", CONTACT, at(1))
    company.record("quickbooks", "Payment", stored("Payment", "180"), version(0))
    gone(company, "quickbooks", "Customer", "58", version(3))
    assert parent_of(company, "Ann Lee") is not None
    gone(company, "salesforce", "Account", "001A", at(3))
    assert parent_of(company, "Ann Lee") is None
    return company


def test_what_comes_back_alone_is_what_it_was(acme: Company) -> None:
    """Under its former id, whichever object comes back first; if that lives, even under the name of another."""
    acme.record("salesforce", "Account", {**ACCOUNT, "Name": "Globex"}, at(4), undeleted=True)
    globex = parent_of(acme, "Ann Lee")
    assert globex is not None
    assert (globex["name"], globex["finance"]["lifetime_value"]) == ("Globex", acme.only("payment")["amount"])
    acme.record("quickbooks", "Customer", stored("Customer", "58", 4), version(4))
    assert [ref["id"] for ref in acme.party("Globex")["refs"]] == ["58", "001A"]
    gone(acme, "salesforce", "Account", "001A", at(5))
    acme.record("quickbooks", "Customer", stored("Customer", "61", CompanyName="Hooli"), version(5))
    acme.record("salesforce", "Account", {**ACCOUNT, "Name": "Hooli"}, at(6), undeleted=True)
    hooli = parent_of(acme, "Ann Lee")
    assert hooli is not None
    assert ([ref["id"] for ref in hooli["refs"]], hooli["name"]) == (["58", "001A"], "Hooli")
    assert acme.party("Ann Lee")["organisation_id"] == globex["id"] == hooli["id"]


def test_what_comes_back_as_part_of_another_is_followed_there(acme: Company) -> None:
    """Members and documents of what is gone lead to the record that its object is part of now."""
    acme.record("quickbooks", "Customer", stored("Customer", "60"), version(0))
    acme.record("salesforce", "Account", ACCOUNT, at(4), undeleted=True)
    now = parent_of(acme, "Ann Lee")
    assert now is not None
    assert [ref["id"] for ref in now["refs"]] == ["60", "001A"]
    assert follow(acme, "party", acme.only("payment")["customer_id"]) == now
    assert now["finance"]["lifetime_value"] == acme.only("payment")["amount"]
    gone(acme, "quickbooks", "Customer", "60", version(5))
    gone(acme, "salesforce", "Account", "001A", at(5))
    acme.record("quickbooks", "Customer", stored("Customer", "58", 6, CompanyName="Initech"), version(6))
    again = parent_of(acme, "Ann Lee")
    assert again is not None
    assert (again["name"], again["id"]) == ("Initech", now["id"])


def test_what_came_back_elsewhere_cannot_be_split_off(company: Company) -> None:
    """Nothing is known of what it was, nor of what had been merged into it; that is said, and nothing changes."""
    company.connect()
    company.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "Globex"}, at(1))
    company.record("salesforce", "Account", ACCOUNT, at(1))
    acme, globex = (company.party(name)["id"] for name in ("Acme, Inc.", "Globex"))
    company.take(Decision(TENANT, "merge", AT, party=globex, other=acme))
    for remote_id in ("001A", "001B"):
        gone(company, "salesforce", "Account", remote_id, at(3))
    company.record("quickbooks", "Customer", stored("Customer", "60"), version(0))
    company.record("salesforce", "Account", ACCOUNT, at(4), undeleted=True)
    assert company.latest("party")[acme]["merged_into"] == company.party("Acme, Inc.")["id"]
    for party in (acme, globex):
        with pytest.raises(MappingError, match="party"):
            company.take(Decision(TENANT, "split", AT, party=party))


def test_a_customer_known_before_the_answer_to_our_write_leads_to_whom_it_was_written_for(company: Company) -> None:
    """A webhook may tell of the customer that we made, under a name that matches nobody, before its answer does."""
    company.connect()
    sold = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    theirs = stored("Customer", "58", CompanyName="Other")
    company.record("quickbooks", "Customer", theirs, version(0))
    company.record("quickbooks", "Payment", stored("Payment", "180"), version(0))
    company.result(of(sold, "quickbooks", "Customer"), "58", theirs)
    payer = follow(company, "party", company.only("payment")["customer_id"])
    assert payer is not None
    assert [ref["id"] for ref in payer["refs"]] == ["58", "001A"]


MERGE: dict[str, Callable[[Company], object]] = {
    "loser": lambda company: company.record("salesforce", "Account", ACCOUNT, at(1)),
    "survivor": lambda company: company.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "B"}, at(1)),
    "member": lambda company: company.record("salesforce", "Contact", CONTACT, at(1)),
    "deletion": lambda company: gone(company, "salesforce", "Account", "001A", at(2)),
    "merge": lambda company: gone(company, "salesforce", "Account", "001A", at(2), merged_into="001B"),
}
LATER: dict[str, Callable[[Company], object]] = {
    "deleted": lambda company: gone(company, "salesforce", "Account", "001B", at(4)),
    "back": lambda company: company.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "B"}, at(5)),
}


@pytest.mark.parametrize("later", [(), tuple(LATER)])
def test_who_names_the_loser_of_a_merge_means_the_survivor(
    templates: Templates, codec: Codec, later: tuple[str, ...]
) -> None:
    """Whichever news comes first, of the merge, of both accounts, of a deletion that names no survivor, of a member."""
    for order in permutations(MERGE):
        company = Company(Pipeline(codec, templates))
        company.connect()
        for name in (*order, *later):
            (MERGE | LATER)[name](company)
        found = parent_of(company, "Ann Lee")
        assert found is not None, order
        assert [ref["id"] for ref in found["refs"]] == ["001B"], order


def test_a_chain_of_merges_is_followed_to_its_end(company: Company) -> None:
    """Who names the first means the last; two that name each other lead nowhere, and nothing hangs."""
    company.connect()
    for loser, survivor in (("001A", "001B"), ("001B", "001C"), ("001X", "001Y"), ("001Y", "001X")):
        gone(company, "salesforce", "Account", loser, at(2), merged_into=survivor)
    company.record("salesforce", "Contact", CONTACT, at(1))
    diaz = {**CONTACT, "Id": "003X", "LastName": "Diaz", "Email": "x@y.example", "AccountId": "001X"}
    company.record("salesforce", "Contact", diaz, at(1))
    company.record("salesforce", "Account", {**ACCOUNT, "Id": "001C"}, at(1))
    found = parent_of(company, "Ann Lee")
    assert found is not None
    assert found["refs"][0]["id"] == "001C"
    assert parent_of(company, "Ann Diaz") is None


def test_who_is_the_same_as_the_loser_of_a_merge_is_the_survivor(company: Company) -> None:
    """A prospect that still names the contact that is gone."""
    company.connect()
    company.record("salesforce", "Contact", CONTACT, at(1))
    company.record("salesforce", "Contact", {**CONTACT, "Id": "003B", "Email": "b@else.example"}, at(1))
    gone(company, "salesforce", "Contact", "003A", at(2), merged_into="003B")
    prospect = {"id": 9, "email": "p@else.example", "salesforceContactId": "003A", "firstName": "P", "lastName": "P"}
    company.record("pardot", "Prospect", prospect, at(3))
    (person,) = [one for one in company.latest("party").values() if one and not one["merged_into"]]
    assert [ref["id"] for ref in person["refs"]] == ["9", "003B"]


def test_members_of_the_loser_of_a_merge_hear_of_the_survivor(company: Company) -> None:
    """A customer's custom field reaches their prospects, and no longer once the merge is undone."""
    tier = CustomField("string", {"salesforce/Account": "Tier__c"}, {"pardot/Prospect": "Tier__c"})
    company.take(ConnectionChanged(TENANT, 1, dict.fromkeys(ALL, "1"), "UTC", "USD", custom_fields={"Tier": tier}))
    globex = {**ACCOUNT, "Id": "001B", "Name": "Globex"}
    for account in (ACCOUNT, globex):
        company.record("salesforce", "Account", {**account, "Tier__c": None}, at(1))
    company.record("salesforce", "Contact", CONTACT, at(1))
    ann = {"id": 9, "email": CONTACT["Email"], "firstName": "Ann", "lastName": "Lee"}
    company.record("pardot", "Prospect", ann, at(1))
    loser, survivor = (company.party(name)["id"] for name in ("Acme, Inc.", "Globex"))
    company.take(Decision(TENANT, "merge", AT, party=loser, other=survivor))
    told = of(company.record("salesforce", "Account", {**globex, "Tier__c": "Gold"}, at(2)), "pardot", "Prospect")
    assert (told.remote_id, body(told)["Tier__c"]) == ("9", "Gold")
    company.take(Decision(TENANT, "split", AT, party=loser))
    assert company.record("salesforce", "Account", {**globex, "Tier__c": "Lead"}, at(3)) == []
    told = of(company.record("salesforce", "Account", {**ACCOUNT, "Tier__c": "Tin"}, at(3)), "pardot", "Prospect")
    assert (told.remote_id, body(told)["Tier__c"]) == ("9", "Tin")
