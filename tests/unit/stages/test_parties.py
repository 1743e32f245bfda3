"""Parties joined, parted and asked about: by likeness, by people, by what vendors say of their own records."""

from typing import Any

import pytest

from connectors.errors import MappingError
from connectors.kafka.codec import Codec
from connectors.kafka.records import Decision, ReviewItem
from connectors.kafka.topics import REVIEW
from streams.stages.tables import Rows
from tests.unit.stages.kit import ACCOUNT, AT, CONTACT, TENANT, Company, at, body, of, snapshot, stored, version

LEAD = {
    "Id": "00QA", "FirstName": "Annie", "LastName": "Lee", "Company": "Acme", "Email": "ann@acme.exampel",
    "Phone": "(415) 555-2671", "Country": "USA",
}  # fmt: skip
ANN = {**CONTACT, "Phone": "(415) 555-2671", "MailingCountry": "USA"}
HUSBAND = {**LEAD, "FirstName": "Bob", "Email": CONTACT["Email"]}


@pytest.fixture
def crm(company: Company) -> Company:
    """A tenant connected to all vendors."""
    company.connect()
    return company


def reviews(company: Company) -> list[ReviewItem]:
    """Return what was put to a person, in order."""
    return [emit.value for emit in company.emits if emit.topic is REVIEW and isinstance(emit.value, ReviewItem)]


def decide(company: Company, verdict: str, **more: str) -> None:
    """Take in a person's decision."""
    company.take(Decision(TENANT, verdict, AT, by="eve", **more))


def standing(company: Company) -> list[dict[str, Any]]:
    """Return the parties that were not merged, by name."""
    found = [value for value in company.latest("party").values() if value is not None and not value["merged_into"]]
    return sorted(found, key=lambda party: str(party["name"]))


def test_likeness_links_what_no_key_does(crm: Company) -> None:
    """Nickname, mistyped domain and the same telephone: one person, nobody is asked."""
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", LEAD, at(2))
    assert [ref["id"] for ref in crm.only("party")["refs"]] == ["003A", "00QA"]
    assert reviews(crm) == []


def test_a_shared_mailbox_with_another_name_is_asked_about(crm: Company) -> None:
    """The new record is a party of its own; the question names no name and no address."""
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", HUSBAND, at(2))
    assert [party["given_name"] for party in standing(crm)] == ["Ann", "Bob"]
    (item,) = reviews(crm)
    assert (item.kind, item.open, item.object_key) == ("identity", True, f"party/{crm.party('Bob Lee')['id']}")
    assert crm.party("Ann Lee")["id"] in item.candidates[0]
    assert "acme" not in item.candidates[0].casefold()
    assert '"email":"same"' in item.candidates[0]


def test_rejected_is_never_asked_again(crm: Company) -> None:
    """Whatever changes in either record: those two are kept apart."""
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", HUSBAND, at(2))
    decide(crm, "reject", review=reviews(crm)[0].id)
    crm.record("salesforce", "Lead", {**HUSBAND, "Street": "1 Main St"}, at(3))
    crm.record("salesforce", "Contact", {**ANN, "MailingStreet": "1 Main St"}, at(4))
    crm.record("salesforce", "Contact", {**ANN, "FirstName": "Anne"}, at(5))
    assert [item.open for item in reviews(crm)] == [True, False]
    assert len(standing(crm)) == 2


def test_accepted_becomes_one_and_can_be_undone(crm: Company) -> None:
    """The loser's record leads to the survivor; a split restores both, under their former ids."""
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", {**HUSBAND, "Industry": "Retail"}, at(2))
    ann, bob = standing(crm)
    decide(crm, "accept", review=reviews(crm)[0].id)
    (one,) = standing(crm)
    assert (one["id"], one["industry"], len(one["refs"])) == (ann["id"], "Retail", 2)
    assert crm.latest("party")[bob["id"]]["merged_into"] == ann["id"]
    crm.record("salesforce", "Lead", {**HUSBAND, "Website": "https://lee.example"}, at(3))
    assert standing(crm)[0]["website"] == "https://lee.example"
    decide(crm, "split", party=bob["id"])
    first, second = standing(crm)
    assert {**first, "version": 0, "changed_at": 0} == {**ann, "version": 0, "changed_at": 0}
    assert (second["id"], second["name"], second["website"]) == (bob["id"], "Bob Lee", "https://lee.example")
    assert [ref["id"] for ref in second["refs"]] == ["00QA"]
    crm.record("salesforce", "Lead", {**HUSBAND, "Website": None}, at(4))
    crm.record("salesforce", "Contact", {**ANN, "LastName": "Lee-Diaz"}, at(4))
    assert [(party["name"], party["website"]) for party in standing(crm)] == [("Ann Lee-Diaz", None), ("Bob Lee", None)]


def test_both_sides_are_read_anew_after_a_split(crm: Company) -> None:
    """What came while they were one is told by the vendors again."""
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", HUSBAND, at(2))
    decide(crm, "accept", review=reviews(crm)[0].id)
    (_, bob) = sorted(crm.latest("party").values(), key=lambda party: party["merged_into"] or "")
    commands = crm.take(Decision(TENANT, "split", AT, party=bob["id"]))
    assert {(c.operation, c.object, c.remote_id) for c in commands} >= {
        ("FETCH", "Lead", "00QA"),
        ("FETCH", "Contact", "003A"),
    }


def test_what_joined_since_is_read_anew_after_a_split_as_well(crm: Company) -> None:
    """Its word was refused beside the loser's, who takes that along: then nothing is refused, and it counts."""
    prospect = {"id": 9, "email": CONTACT["Email"], "firstName": "Ann", "lastName": "Lee", "company": "Acme"}
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", {**HUSBAND, "Company": "Globex"}, at(2))
    ann, bob = standing(crm)
    decide(crm, "accept", review=reviews(crm)[0].id)
    crm.record("pardot", "Prospect", {**prospect, "salesforceContactId": "003A"}, at(3))
    assert ("company_name", '"Acme"') in {(one["field"], one["refused"]) for one in standing(crm)[0]["conflicts"]}
    commands = crm.take(Decision(TENANT, "split", AT, party=bob["id"]))
    assert ("FETCH", "Prospect", "9") in {(c.operation, c.object, c.remote_id) for c in commands}
    left = crm.latest("party")[ann["id"]]
    assert (left["company_name"], "company_name" in {one["field"] for one in left["conflicts"]}) == (None, False)
    crm.record("pardot", "Prospect", {**prospect, "salesforceContactId": "003A"}, at(3))
    left = crm.latest("party")[ann["id"]]
    assert (left["company_name"], left["conflicts"]) == ("Acme", [])
    decide(crm, "merge", party=ann["id"], other=bob["id"])


def test_what_only_the_loser_waited_for_is_none_of_the_survivors_after_a_split(crm: Company) -> None:
    """The account of a contact that was taken for a prospect comes after both: it is the contact's."""
    prospect = {"id": 9, "email": "p@else.example", "firstName": "Pat", "lastName": "Po"}
    told = (("pardot", "Prospect", prospect, at(1)), ("salesforce", "Contact", CONTACT, at(1)))
    for record in told:
        crm.record(*record)
    ann, pat = (crm.party(name)["id"] for name in ("Ann Lee", "Pat Po"))
    decide(crm, "merge", party=ann, other=pat)
    decide(crm, "split", party=ann)
    for record in told:
        crm.record(*record)
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    acme = crm.party("Acme, Inc.")["id"]
    assert [crm.latest("party")[id_]["organisation_id"] for id_ in (ann, pat)] == [acme, None]


def test_what_is_part_of_a_part_is_split_off_from_the_outside(crm: Company) -> None:
    """Else the party between would be there again, and its objects part of two."""
    for name in "ABC":
        account = {**ACCOUNT, "Id": f"001{name}", "Name": name * 5, "Phone": None, "BillingStreet": name}
        crm.record("salesforce", "Account", account, at(1))
    first, second, third = (crm.party(name * 5)["id"] for name in "ABC")
    decide(crm, "merge", party=first, other=second)
    decide(crm, "merge", party=second, other=third)
    with pytest.raises(MappingError, match=f"{second}, part of another"):
        decide(crm, "split", party=first)
    for party in (second, first):
        decide(crm, "split", party=party)
    assert [ref["id"] for party in standing(crm) for ref in party["refs"]] == ["001A", "001B", "001C"]
    assert len(standing(crm)) == 3


def test_a_merge_keeps_a_reference_of_which_nobody_knows_who_set_it(crm: Company, codec: Codec) -> None:
    """Records of former releases do not tell."""
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    crm.record("salesforce", "Contact", CONTACT, at(1))
    crm.record("pardot", "Prospect", {"id": 9, "email": "p@else.example", "firstName": "Pat", "lastName": "Po"}, at(1))
    ann, pat = crm.party("Ann Lee"), crm.party("Pat Po")
    known = {name: said for name, said in ann["provenance"].items() if name != "organisation_id"}
    Rows(TENANT, crm.state, codec).entities.put("party", ann["id"], {**ann, "provenance": known})
    decide(crm, "merge", party=ann["id"], other=pat["id"])
    assert crm.latest("party")[pat["id"]]["organisation_id"] == ann["organisation_id"] is not None


def test_documents_count_for_the_survivor_and_come_back(crm: Company) -> None:
    """Figures and new documents follow a merged customer; a split gives them back."""
    crm.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    crm.record(
        "quickbooks", "Customer", stored("Customer", "59", CompanyName="Globex", DisplayName="Globex"), version(0)
    )
    crm.record("quickbooks", "Payment", stored("Payment", "180"), version(0))
    acme, globex = (crm.party(name)["id"] for name in ("Acme, Inc.", "Globex"))
    decide(crm, "merge", party=acme, other=globex)
    paid = crm.latest("party")[globex]["finance"]["lifetime_value"]
    assert paid == crm.only("payment")["amount"]
    second = stored("Payment", "181", token=1)
    crm.record("quickbooks", "Payment", second, version(1))
    assert crm.latest("party")[globex]["finance"]["lifetime_value"] == 2 * paid
    again = crm.take(Decision(TENANT, "split", AT, party=acme))
    assert "181" in {c.remote_id for c in again if c.object == "Payment"}
    crm.record("quickbooks", "Payment", second, version(1))
    assert crm.latest("party")[acme]["finance"]["lifetime_value"] == 2 * paid
    assert crm.latest("party")[globex]["finance"]["lifetime_value"] == 0


def test_an_order_of_a_merged_customer_is_billed_to_the_survivor(crm: Company) -> None:
    """What is asked of the accounts refers to the party that stands."""
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    crm.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "Globex"}, at(1))
    acme, globex = (crm.party(name)["id"] for name in ("Acme, Inc.", "Globex"))
    decide(crm, "merge", party=acme, other=globex)
    commands = crm.record("salesforce", "OpportunitySnapshot", snapshot(), at(3), remote_id="006A")
    assert of(commands, "quickbooks", "Customer").object_key == f"party/{globex}"
    assert globex in str(body(of(commands, "quickbooks", "Invoice"))["CustomerRef"])


def test_a_party_follows_its_vendors_merge(crm: Company) -> None:
    """Salesforce merged two accounts: theirs become one, whichever news comes first."""
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    crm.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "Globex"}, at(1))
    crm.record("salesforce", "Account", {}, at(2), remote_id="001B", deleted=True, merged_into="001A")
    (one,) = standing(crm)
    assert [ref["id"] for ref in one["refs"]] == ["001A"]
    crm.record("salesforce", "Contact", CONTACT, at(1))
    crm.record("salesforce", "Contact", {}, at(2), remote_id="003A", deleted=True, merged_into="003B")
    crm.record("salesforce", "Contact", {**CONTACT, "Id": "003B", "FirstName": "Anne", "Email": None}, at(3))
    assert len(standing(crm)) == 2


def test_what_a_vendor_merged_into_something_to_come_may_join_a_third(crm: Company) -> None:
    """The lead is gone before the one that it became part of is told; that one was converted meanwhile."""
    other: dict[str, Any] = {**LEAD, "FirstName": "Pat", "LastName": "Po", "Email": None, "Phone": None}
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", other, at(1))
    crm.record("salesforce", "Lead", {}, at(2), remote_id="00QA", deleted=True, merged_into="00QB")
    crm.record("salesforce", "Lead", {**other, "Id": "00QB", "ConvertedContactId": "003A"}, at(3))
    assert [ref["id"] for party in standing(crm) for ref in party["refs"]] == ["003A", "00QB"]


def test_a_converted_lead_follows_to_its_contact(crm: Company) -> None:
    """Known apart until then, they are one party from the conversion on; a contact to come will be that party."""
    crm.record("salesforce", "Contact", ANN, at(1))
    contact = crm.only("party")["id"]
    crm.record("salesforce", "Lead", {**HUSBAND, "Email": "bob@else.example", "Phone": None}, at(1))
    assert len(standing(crm)) == 2
    converted = {**HUSBAND, "Email": "bob@else.example", "Phone": None, "ConvertedContactId": "003A"}
    crm.record("salesforce", "Lead", converted, at(2))
    assert [party["id"] for party in standing(crm)] == [contact]
    other = {**HUSBAND, "Id": "00QB", "LastName": "Diaz", "Email": "d@else.example", "Phone": None}
    crm.record("salesforce", "Lead", {**other, "ConvertedContactId": "003C"}, at(3))
    crm.record("salesforce", "Contact", {**CONTACT, "Id": "003C", "LastName": "Diaz", "Email": "x@y.example"}, at(4))
    assert len(standing(crm)) == 2


def test_a_question_is_closed_when_its_parties_become_one_otherwise(crm: Company) -> None:
    """A lead that somebody is asked about turns out to be that contact: an answer would do nothing any more."""
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", HUSBAND, at(1))
    crm.record("salesforce", "Lead", {**HUSBAND, "ConvertedContactId": "003A"}, at(2))
    asked, closed = reviews(crm)
    assert (asked.id, asked.open, closed.open) == (closed.id, True, False)
    assert closed.reason == "overtaken: they are one by now"
    decide(crm, "reject", review=asked.id)
    assert (len(standing(crm)), len(reviews(crm))) == (1, 2)


def test_what_became_alike_later_is_asked_about(crm: Company) -> None:
    """Parties that exist are never joined unasked."""
    crm.record("salesforce", "Contact", ANN, at(1))
    crm.record("salesforce", "Lead", {**LEAD, "FirstName": "?", "LastName": "Unknown", "Email": "a@b.example"}, at(2))
    assert reviews(crm) == []
    crm.record("salesforce", "Lead", LEAD, at(3))
    assert len(standing(crm)) == 2
    assert len(reviews(crm)) == 1


def test_accounts_persons_are_never_joined_by_likeness(crm: Company) -> None:
    """Two customers of the accounts carry two balances: a person is asked."""
    ann: dict[str, Any] = {"DisplayName": "Ann Lee", "CompanyName": None, "GivenName": "Ann", "FamilyName": "Lee"}
    mail: dict[str, Any] = {"PrimaryEmailAddr": {"Address": "ann@acme.example"}}
    crm.record("quickbooks", "Customer", stored("Customer", "58", **ann, **mail), version(0))
    crm.record("quickbooks", "Customer", stored("Customer", "59", **ann, **mail), version(0))
    assert len(standing(crm)) == 2
    assert len(reviews(crm)) == 1


@pytest.mark.parametrize(
    ("verdict", "more", "field"),
    [
        ("accept", {"review": "nothing"}, "review"),
        ("perhaps", {}, "verdict"),
        ("split", {"party": "nobody"}, "party"),
        ("merge", {"party": "nobody", "other": "nobody"}, "party"),
    ],
)
def test_a_decision_that_cannot_be_done_says_why(crm: Company, verdict: str, more: dict[str, str], field: str) -> None:
    """It names the field, and changes nothing."""
    with pytest.raises(MappingError, match=field):
        decide(crm, verdict, **more)


def test_a_sub_customer_belongs_to_its_parent(crm: Company) -> None:
    """It goes by its own name, so that the parent's account in the CRM is not taken for it."""
    sub = stored("Customer", "59", DisplayName="Acme roof", ParentRef={"value": "58"}, Job=True)
    crm.record("quickbooks", "Customer", sub, version(0))
    crm.record("salesforce", "Account", ACCOUNT, at(1))
    crm.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    parent = crm.party("Acme, Inc.")
    assert [ref["id"] for ref in parent["refs"]] == ["58", "001A"]
    assert crm.party("Acme roof")["organisation_id"] == parent["id"]


def test_no_two_customers_get_one_display_name(crm: Company) -> None:
    """Who has the name keeps it; the next gets its mailbox or its id in the CRM added, and keeps that."""
    crm.record("quickbooks", "Customer", stored("Customer", "58", DisplayName="Ann Lee", CompanyName=None), version(0))
    person = {**CONTACT, "Id": "003C", "Email": "lee@home.example", "AccountId": None}
    role = {"Id": "00KA", "ContactId": "003C", "IsPrimary": True, "Role": "Buyer", "Contact": person}
    sold = snapshot(Account=None, ContactRoles=[role])
    sold["Opportunity"]["AccountId"] = None
    asked = of(crm.record("salesforce", "OpportunitySnapshot", sold, at(2), remote_id="006A"), "quickbooks", "Customer")
    assert body(asked)["DisplayName"] == "Ann Lee (lee)"
    changed = crm.record("salesforce", "Contact", {**person, "FirstName": "Anne"}, at(3))
    assert body(of(changed, "quickbooks", "Customer"))["DisplayName"] == "Anne Lee"
