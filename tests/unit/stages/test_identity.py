"""Who is who: by reference, then e-mail, then company name; and what becomes of references."""

from typing import Any

import pytest

from connectors.errors import MappingError
from streams.stages.identity import new_id
from streams.stages.mapping import Ref
from tests.unit.stages.kit import ACCOUNT, CONTACT, Company, at, stored, version


def lead(**more: Any) -> dict[str, Any]:
    """Return a lead."""
    return {"Id": "00QA", "FirstName": "Ann", "LastName": "Lee", "Company": "Acme", "Email": "ann@ACME.example", **more}


@pytest.fixture
def crm(company: Company) -> Company:
    """A tenant connected to all vendors."""
    company.connect()
    return company


def test_a_lead_and_a_contact_with_one_address_are_one_person(crm: Company) -> None:
    """The address decides, whatever its case; both references are kept."""
    crm.record("salesforce", "Lead", lead(), at(1))
    crm.record("salesforce", "Contact", CONTACT, at(2))
    person = crm.only("party")
    assert [ref["object"] for ref in person["refs"]] == ["Contact", "Lead"]
    assert person["company_name"] == "Acme"


def test_two_contacts_with_one_address_stay_two(crm: Company) -> None:
    """What a vendor itself keeps apart is not joined by a key."""
    crm.record("salesforce", "Contact", CONTACT, at(1))
    crm.record("salesforce", "Contact", {**CONTACT, "Id": "003B", "FirstName": "Bob"}, at(1))
    assert len(crm.latest("party")) == 2


def test_a_role_mailbox_joins_nobody(crm: Company) -> None:
    """Who shares a desk is not the same person."""
    crm.record("salesforce", "Lead", lead(Email="info@acme.example"), at(1))
    crm.record("salesforce", "Contact", {**CONTACT, "Email": "info@acme.example"}, at(1))
    assert len(crm.latest("party")) == 2


def test_a_company_is_known_by_its_name_without_legal_form(crm: Company) -> None:
    """A customer of the accounts and an account of the CRM meet."""
    crm.record("quickbooks", "Customer", stored("Customer", "58", CompanyName="ACME Incorporated"), version(0))
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    assert crm.only("party")["name"] == "Acme, Inc."


def test_a_changed_address_moves_the_match_key(crm: Company) -> None:
    """A new address of a person is found from then on."""
    crm.record("salesforce", "Contact", CONTACT, at(1))
    crm.record("salesforce", "Contact", {**CONTACT, "Email": "ann@new.example"}, at(2))
    crm.record("salesforce", "Lead", lead(Email="ANN@new.example"), at(3))
    assert len(crm.latest("party")) == 1


def test_tenants_never_meet() -> None:
    """The same reference of two tenants is two canonical ids."""
    ref = Ref("salesforce", "Account", "001A")
    assert new_id("acme", ref) != new_id("globex", ref)


def test_a_product_is_known_by_its_sku(crm: Company) -> None:
    """Items of the accounts and products of the CRM meet by stock keeping unit."""
    crm.record("quickbooks", "Item", stored("Item", "7", UnitPrice=12.5), version(0))
    crm.record("salesforce", "Product2", {"Id": "01tA", "Name": "Widget", "ProductCode": "w-1"}, at(1))
    assert [ref["vendor"] for ref in crm.only("product")["refs"]] == ["quickbooks", "salesforce"]


def test_a_contact_finds_its_account_whichever_comes_first(crm: Company) -> None:
    """A reference to what is not known yet is filled when it comes."""
    crm.record("salesforce", "Contact", CONTACT, at(1))
    assert crm.party("Ann Lee")["organisation_id"] is None
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    assert crm.party("Ann Lee")["organisation_id"] == crm.party("Acme, Inc.")["id"]


def test_a_payment_of_an_unknown_customer_asks_for_it(crm: Company) -> None:
    """QuickBooks only hints, so the customer is fetched, and then gets its figures."""
    commands = crm.record("quickbooks", "Payment", stored("Payment", "180"), version(0))
    assert {c.object for c in commands if c.operation == "FETCH"} == {"Customer", "Invoice"}
    crm.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    assert crm.only("payment")["customer_id"] == crm.only("party")["id"]
    assert crm.only("party")["finance"]["lifetime_value"] > 0
    crm.record("quickbooks", "Invoice", stored("Invoice", "145"), version(0))
    assert crm.only("payment")["allocations"][0]["invoice_id"] == crm.only("invoice")["id"]


def test_deletion_unlinks_and_the_last_reference_takes_the_record(crm: Company) -> None:
    """A record that another vendor still has stays; the last deletion ends in a tombstone."""
    crm.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    crm.record("salesforce", "Account", {}, at(2), remote_id="001A", deleted=True)
    assert [ref["vendor"] for ref in crm.only("party")["refs"]] == ["quickbooks"]
    crm.record("quickbooks", "Customer", {}, version(5), remote_id="58", deleted=True)
    *_, last, _, tombstone = crm.emits
    assert isinstance(last.value, dict)
    assert last.value["deleted"] is True
    assert tombstone.value is None
    assert tombstone.key == last.key


def test_an_older_record_does_not_bring_back_what_was_deleted(crm: Company) -> None:
    """Only a newer version does, under the same id and with a version that goes on."""
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    first = crm.only("party")
    crm.record("salesforce", "Account", {}, at(3), remote_id="001A", deleted=True)
    assert crm.record("salesforce", "Account", ACCOUNT, at(2)) == []
    assert list(crm.latest("party").values()) == [None]
    crm.record("salesforce", "Account", ACCOUNT, at(4))
    assert crm.only("party")["id"] == first["id"]
    assert crm.only("party")["version"] == 3


def test_an_undeleted_record_is_back_even_within_the_second(crm: Company) -> None:
    """A record of the deletion's own version counts only if the vendor says that it was undeleted."""
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    crm.record("salesforce", "Account", {}, at(2), remote_id="001A", deleted=True)
    crm.record("salesforce", "Account", ACCOUNT, at(2))
    assert list(crm.latest("party").values()) == [None]
    crm.record("salesforce", "Account", ACCOUNT, at(2), undeleted=True)
    assert [ref["id"] for ref in crm.only("party")["refs"]] == ["001A"]


def test_an_opt_out_counts_whenever_it_is_heard_of(crm: Company) -> None:
    """Of an older version nothing else does; a no of somebody who is gone is nobody's."""
    crm.record("salesforce", "Contact", CONTACT, at(3))
    crm.record("salesforce", "Contact", {**CONTACT, "FirstName": "Anne"}, at(1))
    assert (crm.only("party")["opted_out"], crm.only("party")["given_name"]) == (False, "Ann")
    late = {**CONTACT, "FirstName": "Anne", "HasOptedOutOfEmail": True}
    crm.record("salesforce", "Contact", late, at(2))
    assert (crm.only("party")["opted_out"], crm.only("party")["given_name"]) == (True, "Ann")
    crm.record("salesforce", "Contact", {}, at(4), remote_id="003A", deleted=True)
    assert crm.record("salesforce", "Contact", late, at(2)) == []
    assert list(crm.latest("party").values()) == [None]


def test_an_opt_out_of_what_was_merged_away_is_the_survivors(crm: Company) -> None:
    """Though the object was never seen before its end."""
    crm.record("salesforce", "Contact", CONTACT, at(1))
    crm.record("salesforce", "Contact", {}, at(3), remote_id="003B", deleted=True, merged_into="003A")
    crm.record("salesforce", "Contact", {**CONTACT, "Id": "003B", "HasOptedOutOfEmail": True}, at(2))
    person = crm.only("party")
    assert (person["opted_out"], [ref["id"] for ref in person["refs"]]) == (True, ["003A"])


def test_a_deleted_payment_no_longer_counts(crm: Company) -> None:
    """Figures are made of the documents that are there."""
    crm.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    crm.record("quickbooks", "Payment", stored("Payment", "180"), version(0))
    crm.record("quickbooks", "Payment", {}, version(1), remote_id="180", deleted=True)
    assert crm.only("party")["finance"]["lifetime_value"] == 0


def test_a_hint_is_fetched_unless_it_is_old_news(crm: Company) -> None:
    """What we already know in that version, or what no template reads, is not asked for."""
    commands = crm.record("quickbooks", "Invoice", {}, "2026-03-01T12:00:00.000000Z", remote_id="145", hint=True)
    assert [(c.operation, c.object, c.remote_id) for c in commands] == [("FETCH", "Invoice", "145")]
    crm.record("quickbooks", "Invoice", stored("Invoice", "145"), version(0))
    assert crm.record("quickbooks", "Invoice", {}, "2026-03-01T12:00:00.000000Z", remote_id="145", hint=True) == []
    assert crm.record("quickbooks", "Vendor", {}, "2026-03-01T12:00:00.000000Z", remote_id="9", hint=True) == []


def test_a_body_that_is_no_json_object_is_refused(crm: Company) -> None:
    """The reason says what it is not."""
    with pytest.raises(MappingError, match="body: is not a JSON object"):
        crm.record("salesforce", "Account", [], at(1), remote_id="001A")  # type: ignore[arg-type]  # on purpose
