"""The path from a won opportunity to the paid invoice and back."""

from decimal import Decimal
from typing import Any

import pytest

from connectors.errors import MappingError, RejectedError
from connectors.kafka.topics import REVIEW
from tests.unit.stages.kit import (
    ACCOUNT,
    AT,
    CONTACT,
    LINES,
    Company,
    at,
    body,
    of,
    opportunity,
    snapshot,
    stored,
    version,
)

RULES = """
defaults: {terms: Net 30}
rules:
  - {name: big order, when: order.total > 1000, then: {discount_percent: 5}}
  - {name: web class, when: order.lead_source == 'Web', then: {class_name: Web}}
"""


def test_a_won_opportunity_asks_for_its_snapshot_once_per_content(company: Company) -> None:
    """A repeat of the same opportunity is not fetched again; another content of the same second is."""
    company.connect()
    (fetch,) = company.record("salesforce", "Opportunity", opportunity(), at(1))
    assert (fetch.operation, fetch.object, fetch.remote_id) == ("FETCH", "OpportunitySnapshot", "006A")
    assert fetch.source_version == at(1)
    assert company.record("salesforce", "Opportunity", opportunity(), at(1)) == []
    assert len(company.record("salesforce", "Opportunity", opportunity(Name="Other"), at(1))) == 1
    assert company.record("salesforce", "Opportunity", opportunity(), at(0)) == []


def test_an_opportunity_that_is_not_won_does_nothing(company: Company) -> None:
    """Orders are built only from snapshots of won opportunities."""
    company.connect()
    assert company.record("salesforce", "Opportunity", opportunity(IsWon=False), at(1)) == []
    assert company.emits == []


def test_a_snapshot_becomes_customer_items_and_invoice(company: Company) -> None:
    """The commands come parents first, refer to each other by object key and carry exact amounts."""
    company.connect(rules=RULES)
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    order = company.only("order")
    assert [c.object for c in commands] == ["Customer", "Item", "Item", "Invoice"]
    assert (order["status"], order["episode"], order["total"]) == ("WON", 1, Decimal("1250.5"))
    assert order["applied_rules"] == ["big order", "web class"]
    assert order["customer_id"] == company.party("Acme, Inc.")["id"]
    assert order["contact_id"] == company.party("Ann Lee")["id"]
    customer, invoice = of(commands, "quickbooks", "Customer"), of(commands, "quickbooks", "Invoice")
    assert customer.lane == invoice.lane == order["customer_id"]
    assert invoice.object_key == f"order/{order['id']}/1"
    sent = body(invoice)
    assert sent["CustomerRef"] == {"value": {"$ref": customer.object_key}}
    assert sent["ClassRef"] == {"value": {"$lookup": {"name": "Web", "object": "Class"}}}
    assert sent["SalesTermRef"] == {"value": {"$lookup": {"name": "Net 30", "object": "Term"}}}
    assert [line.get("Amount") for line in sent["Line"]] == [Decimal("1000.5"), 250, None]
    assert sent["Line"][2]["DiscountLineDetail"] == {"PercentBased": True, "DiscountPercent": 5}
    assert sent["BillEmail"] == {"Address": "Ann@acme.example"}
    assert body(customer)["BillAddr"]["Line2"] == "Suite 5"


def test_the_same_snapshot_again_sends_nothing(company: Company) -> None:
    """An equal body is not sent again, however often its source comes."""
    company.connect()
    company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    emitted = len(company.emits)
    assert company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A") == []
    assert len(company.emits) == emitted


def _win(company: Company) -> None:
    """Win, and have QuickBooks deliver customer 58, items and invoice 145."""
    company.connect()
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    for command, (remote_id, kind) in zip(
        commands, [("58", "Customer"), ("7", "Item"), ("8", "Item"), ("145", "Invoice")], strict=True
    ):
        more: dict[str, Any] = {"Name": "Setup", "Sku": "S-1"} if remote_id == "8" else {}
        company.result(command, remote_id, stored(kind, remote_id, **more))


def test_results_teach_the_crosswalk_and_echo_nothing_to_quickbooks(company: Company) -> None:
    """Delivered objects become references; what comes back of our own writes causes no further write there."""
    _win(company)
    refs = company.party("Acme, Inc.")["refs"]
    assert {"vendor": "quickbooks", "object": "Customer", "id": "58"} in refs
    invoice = company.only("invoice")
    assert invoice["order_id"] == company.only("order")["id"]
    assert invoice["customer_id"] == company.party("Acme, Inc.")["id"]
    assert (invoice["status"], invoice["balance"]) == ("OPEN", Decimal("1250.5"))
    assert len(company.latest("product")) == 2
    again = company.record("quickbooks", "Customer", stored("Customer", "58", 3), version(3))
    assert again == []


def test_an_answer_older_than_what_is_known_moves_nothing_back(company: Company) -> None:
    """A person changed the document meanwhile, and its record came first: the answer still says what it is."""
    company.connect()
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    asked = of(commands, "quickbooks", "Invoice")
    for number in ("58", "59"):
        company.record("quickbooks", "Customer", stored("Customer", number, DisplayName=number), version(0))
    newer = stored("Invoice", "145", 3, CustomerRef={"value": "59"}, Balance=0, DueDate=None)
    company.record("quickbooks", "Invoice", newer, version(3))
    before = company.only("invoice")
    company.result(asked, "145", stored("Invoice", "145", 0))
    assert company.only("invoice") == before | {
        "order_id": company.only("order")["id"], "version": before["version"] + 1, "changed_at": AT,
    }  # fmt: skip


def test_an_answer_about_a_document_that_is_gone_brings_nothing_back(company: Company) -> None:
    """It was deleted before the answer came: nothing more is asked for it."""
    company.connect()
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    asked = of(commands, "quickbooks", "Invoice")
    company.record("quickbooks", "Invoice", {"Id": "145"}, version(3), deleted=True)
    assert company.result(asked, "145", stored("Invoice", "145", 0)) == []
    assert company.latest("invoice") == {}
    changed = {**snapshot(2), "Lines": snapshot()["Lines"][:1]}
    again = company.record("salesforce", "OpportunitySnapshot", changed, at(2), remote_id="006A")
    assert [c for c in again if c.object == "Invoice"] == []


def test_the_invoice_is_written_back_to_opportunity_account_and_prospect(company: Company) -> None:
    """The CRM learns number and balance, the persons who decide their company's figures."""
    company.connect()
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    company.result(of(commands, "quickbooks", "Customer"), "58", stored("Customer", "58"))
    back = company.result(of(commands, "quickbooks", "Invoice"), "145", stored("Invoice", "145"))
    told = of(back, "salesforce", "Opportunity")
    assert (told.remote_id, told.object_key) == ("006A", f"order/{company.only('order')['id']}")
    assert body(told) == {
        "Sluiceway_Invoice_Id__c": "145",
        "Sluiceway_Invoice_Number__c": "1001",
        "Sluiceway_Invoice_Status__c": "Open",
        "Sluiceway_Invoice_Total__c": Decimal("1250.5"),
        "Sluiceway_Invoice_Balance__c": Decimal("1250.5"),
        "Sluiceway_Paid_On__c": None,
    }
    account = body(of(back, "salesforce", "Account"))
    assert (account["QuickBooks_Customer_Id__c"], account["Sluiceway_Open_Balance__c"]) == ("58", Decimal("1250.5"))
    prospect = of(back, "pardot", "Prospect")
    assert prospect.object_key == f"party/{company.party('Ann Lee')['id']}"
    assert prospect.lane == company.party("Acme, Inc.")["id"]
    assert body(prospect)["email"] == "ann@acme.example"
    assert body(prospect)["Last_Invoice_Number__c"] == "1001"


def test_a_payment_comes_back_as_lifetime_value(company: Company) -> None:
    """A payment fetches its invoice; once both are known the invoice is paid and the figures are right."""
    _win(company)
    commands = company.record("quickbooks", "Payment", stored("Payment", "180", 5), version(5))
    fetch = of(commands, "quickbooks", "Invoice")
    assert (fetch.operation, fetch.remote_id) == ("FETCH", "145")
    assert body(of(commands, "pardot", "Prospect"))["Lifetime_Value__c"] == Decimal("1250.5")
    commands = company.record("quickbooks", "Invoice", stored("Invoice", "145", 6, Balance=0), version(6))
    assert body(of(commands, "salesforce", "Opportunity"))["Sluiceway_Paid_On__c"] == "2026-03-05"
    assert body(of(commands, "salesforce", "Opportunity"))["Sluiceway_Invoice_Status__c"] == "Paid"
    finance = company.party("Acme, Inc.")["finance"]
    assert (finance["lifetime_value"], finance["open_balance"], finance["invoice_count"]) == (Decimal("1250.5"), 0, 1)
    assert finance["last_payment_on"].isoformat() == "2026-03-05"
    assert company.only("payment")["allocations"][0]["invoice_id"] == company.only("invoice")["id"]
    emitted = len(company.emits)
    assert company.record("quickbooks", "Payment", stored("Payment", "180", 5), version(5)) == []
    assert len(company.emits) == emitted


def test_reopening_voids_and_winning_again_begins_an_episode(company: Company) -> None:
    """A reopened order voids its document; won again it gets a new one under a new object key."""
    _win(company)
    (void,) = company.record("salesforce", "Opportunity", opportunity(2, IsWon=False, IsClosed=False), at(2))
    order = company.only("order")
    assert (void.operation, void.object, void.remote_id) == ("VOID", "Invoice", "145")
    assert (void.object_key, order["status"]) == (f"order/{order['id']}/1", "OPEN")
    assert company.record("salesforce", "OpportunitySnapshot", snapshot(1), at(1), remote_id="006A") == []
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(3), at(3), remote_id="006A")
    assert of(commands, "quickbooks", "Invoice").object_key == f"order/{order['id']}/2"
    voided = stored("Invoice", "145", 7, TotalAmt=0, Balance=0, PrivateNote="Voided - Rollout")
    assert company.result(void, "145", voided) != []
    assert company.only("invoice")["status"] == "VOID"
    assert company.party("Acme, Inc.")["finance"]["open_balance"] == 0


def test_a_deleted_opportunity_cancels_its_order(company: Company) -> None:
    """Deletion voids the document and keeps the order, so that an undelete cannot reuse an old object key."""
    _win(company)
    (void,) = company.record("salesforce", "Opportunity", {}, at(2), remote_id="006A", deleted=True)
    assert (void.operation, company.only("order")["status"]) == ("VOID", "CANCELLED")


def test_a_document_voided_by_a_person_is_not_made_again(company: Company) -> None:
    """Once the accounts have voided a document, edits of the opportunity do not write to it."""
    _win(company)
    voided = stored("Invoice", "145", 4, TotalAmt=0, Balance=0, PrivateNote="Voided - Rollout")
    company.record("quickbooks", "Invoice", voided, version(4))
    changed = snapshot(5, Opportunity=opportunity(5, Name="Rollout II"))
    commands = company.record("salesforce", "OpportunitySnapshot", changed, at(5), remote_id="006A")
    assert company.only("order")["name"] == "Rollout II"
    assert [c for c in commands if c.object == "Invoice"] == []


def test_an_amendment_is_a_new_version_of_the_same_document(company: Company) -> None:
    """While the episode lasts, a changed order updates its document under the same key."""
    _win(company)
    changed = snapshot(5, Opportunity=opportunity(5, Name="Rollout II"))
    (update,) = company.record("salesforce", "OpportunitySnapshot", changed, at(5), remote_id="006A")
    assert (update.object, update.version, update.remote_id) == ("Invoice", 2, "145")


def test_a_renamed_account_updates_the_customer(company: Company) -> None:
    """Salesforce owns master data: what it changes goes to the accounts, where the customer is known."""
    _win(company)
    renamed = {**ACCOUNT, "SystemModstamp": at(9), "Name": "Acme Corporation"}
    update = of(company.record("salesforce", "Account", renamed, at(9)), "quickbooks", "Customer")
    assert (update.remote_id, update.version, body(update)["DisplayName"]) == ("58", 2, "Acme Corporation")


def test_a_newer_version_with_the_same_content_is_no_change(company: Company) -> None:
    """It is noted, so that what lies between cannot move anything back, but nobody hears of it."""
    company.connect()
    company.record("salesforce", "Account", ACCOUNT, at(1))
    emitted = len(company.emits)
    company.record("salesforce", "Account", ACCOUNT, at(9))
    company.record("salesforce", "Account", {**ACCOUNT, "Name": "Former"}, at(5))
    assert len(company.emits) == emitted


def test_an_opportunity_without_products_is_one_position(company: Company) -> None:
    """The amount stands for the lines; the item is the configured one."""
    company.connect(rules="defaults: {item: Services}")
    commands = company.record(
        "salesforce", "OpportunitySnapshot", snapshot(Lines=[], ContactRoles=[]), at(1), remote_id="006A"
    )
    (line,) = body(of(commands, "quickbooks", "Invoice"))["Line"]
    assert (line["Amount"], line["SalesItemLineDetail"]["Qty"]) == (Decimal("1250.5"), 1)
    assert line["SalesItemLineDetail"]["ItemRef"]["value"] == {"$lookup": {"name": "Services", "object": "Item"}}


def test_without_an_account_the_contact_is_the_customer(company: Company) -> None:
    """A person may buy."""
    company.connect()
    contact = {**CONTACT, "AccountId": None}
    roles = [{"Id": "00KA", "ContactId": "003A", "IsPrimary": False, "Contact": contact}]
    won = snapshot(Opportunity=opportunity(AccountId=None), Account=None, ContactRoles=roles)
    commands = company.record("salesforce", "OpportunitySnapshot", won, at(1), remote_id="006A")
    assert body(of(commands, "quickbooks", "Customer"))["DisplayName"] == "Ann Lee"


def test_an_opportunity_with_nobody_to_bill_is_refused(company: Company) -> None:
    """The reason names the field and what to do, and nothing is written."""
    company.connect()
    before = dict(company.state.rows)
    won = snapshot(Opportunity=opportunity(AccountId=None), Account=None, ContactRoles=[])
    with pytest.raises(
        MappingError, match="customer_id: is unknown: the opportunity has no account or contact that may be read"
    ):
        company.record("salesforce", "OpportunitySnapshot", won, at(1), remote_id="006A")
    assert company.state.rows == before


def test_an_unknown_tenant_is_refused(company: Company) -> None:
    """Before its connection is applied nothing of a tenant can be worked on."""
    with pytest.raises(RejectedError, match="tenant acme has no connection"):
        company.record("salesforce", "Account", ACCOUNT, at(0))


def test_only_connected_vendors_get_commands(company: Company) -> None:
    """Without QuickBooks a won order is canonical and nothing else."""
    company.connect("salesforce")
    assert company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A") == []
    assert company.only("order")["status"] == "WON"


@pytest.mark.parametrize("effect", ["hold: true", "skip: true"])
def test_rules_can_keep_an_order_from_being_sent(company: Company, effect: str) -> None:
    """Held and skipped orders are canonical, with the rule's name, but ask nothing of the accounts."""
    company.connect(rules=f"rules: [{{name: wait, when: 'true', then: {{{effect}}}}}]")
    assert company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A") == []
    assert company.only("order")["applied_rules"] == ["wait"]


def test_a_rule_can_make_it_a_sales_receipt(company: Company) -> None:
    """The kind of document is the rules' to choose, and stays for the episode."""
    company.connect(rules="rules: [{name: cash, when: 'true', then: {document: SALES_RECEIPT}}]")
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(), at(1), remote_id="006A")
    assert of(commands, "quickbooks", "SalesReceipt").object_key.startswith("order/")
    company.connect(revision=2)
    changed = snapshot(2, Opportunity=opportunity(2, Name="Other"))
    (update,) = company.record("salesforce", "OpportunitySnapshot", changed, at(2), remote_id="006A")
    assert update.object == "SalesReceipt"


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ({"UnitPrice": 500.25, "TotalPrice": 900.45, "Discount": 10}, "900.45"),
        ({"Quantity": 3.0, "UnitPrice": 3.33, "TotalPrice": 10.0}, "10"),
        ({"Quantity": 3.0, "UnitPrice": 3.33}, "9.99"),
        ({"Quantity": 1.0, "UnitPrice": 0, "TotalPrice": 0}, "0"),
    ],
)
def test_a_position_is_billed_at_its_total_price(company: Company, line: dict[str, object], amount: str) -> None:
    """That has the position's own discount and its cents; a unit price that does not multiply to it is left out."""
    company.connect()
    found = snapshot(Lines=[{**LINES[0], **line}])
    sent = body(
        of(company.record("salesforce", "OpportunitySnapshot", found, at(1), remote_id="006A"), "quickbooks", "Invoice")
    )
    [position] = sent["Line"]
    assert position["Amount"] == Decimal(amount)
    assert ("UnitPrice" in position["SalesItemLineDetail"]) == (amount in ("9.99", "0"))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"Lines": [{**LINES[0], "UnitPrice": -5}]}, "the total is -10 USD: the accounts have no document below zero"),
        ({"Lines": [], "Opportunity": opportunity(1, Amount=None)}, "it has no positions"),
    ],
)
def test_what_the_accounts_have_no_document_for_waits(company: Company, more: dict[str, Any], said: str) -> None:
    """Over less than nothing, or over nothing at all: a person is asked, the accounts are not."""
    company.connect()
    commands = company.record("salesforce", "OpportunitySnapshot", snapshot(**more), at(1), remote_id="006A")
    assert [c for c in commands if c.vendor == "quickbooks"] == []
    [question] = [e.value for e in company.emits if e.topic is REVIEW]
    assert getattr(question, "reason", "").startswith(said)
