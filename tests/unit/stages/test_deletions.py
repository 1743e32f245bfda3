"""What goes when a vendor's object is gone, what stays, and what the survivor of a merge takes over."""

from typing import Any

from connectors.kafka.records import ConnectionChanged, Decision
from tests.unit.stages.kit import ACCOUNT, AT, CONTACT, TENANT, Company, at, body, of, stored, version

OPEN = {"salesforce": {"contact.open_balance": "Open__c"}}
VARIANTS = [
    {"id": f"gid://shopify/ProductVariant/{n}", "title": name, "sku": f"MUG-{name}", "price": "9.00",
     "updatedAt": "2026-03-01T10:00:00Z", "inventoryItem": {"id": f"gid://shopify/InventoryItem/{n}0"}}
    for n, name in ((1, "RED"), (2, "BLUE"))
]  # fmt: skip


def mug(*variants: dict[str, Any]) -> dict[str, Any]:
    """Return a product as Shopify tells it."""
    return {"id": "gid://shopify/Product/9", "title": "Mug", "status": "ACTIVE", "variants": {"nodes": list(variants)}}


def alive(company: Company, entity: str) -> list[dict[str, Any]]:
    """Return the records that are there and were not merged."""
    return [record for record in company.latest(entity).values() if record and not record.get("merged_into")]


def test_variants_go_with_their_product(company: Company) -> None:
    """Shopify tells only of the product; a variant that it has no more is gone as well."""
    company.connect("shopify")
    company.record("shopify", "Product", mug(*VARIANTS), at(1), remote_id="9")
    assert {"MUG-RED", "MUG-BLUE"} <= {product["sku"] for product in alive(company, "product")}
    company.record("shopify", "Product", mug(VARIANTS[0]), at(2), remote_id="9")
    assert {product["sku"] for product in alive(company, "product")} == {"MUG-RED"}
    company.record("shopify", "Product", {}, at(3), remote_id="9", deleted=True)
    assert alive(company, "product") == []
    company.record("shopify", "Product", mug(*VARIANTS), at(4), remote_id="9")
    assert {"MUG-RED", "MUG-BLUE"} <= {product["sku"] for product in alive(company, "product")}


def test_an_order_that_was_never_agreed_goes_with_its_source(company: Company) -> None:
    """There is no document of it to keep it for; whoever hears of it only afterwards has none either."""
    company.connect("woocommerce", "quickbooks")
    order = {"id": 7, "number": "7", "status": "pending", "currency": "USD", "total": "0.00", "line_items": []}
    company.record("woocommerce", "order", order, at(1))
    assert [record["status"] for record in alive(company, "order")] == ["OPEN"]
    company.record("woocommerce", "order", {}, at(2), remote_id="7", deleted=True)
    assert alive(company, "order") == []


def test_writes_go_to_the_survivor_of_a_merge(company: Company) -> None:
    """A party has two accounts of the CRM; the one that we write to is merged into the other, which gets all then."""
    company.connect()
    company.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    company.record("salesforce", "Account", ACCOUNT, at(1))
    told = of(company.record("quickbooks", "Payment", stored("Payment", "180"), version(1)), "salesforce", "Account")
    company.result(told, "001A", {"Id": "001A"})
    company.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "Globex"}, at(1))
    acme, globex = (company.party(name)["id"] for name in ("Acme, Inc.", "Globex"))
    company.take(Decision(TENANT, "merge", AT, party=globex, other=acme))
    moved = company.record("salesforce", "Account", {}, at(2), remote_id="001A", deleted=True, merged_into="001B")
    assert of(moved, "salesforce", "Account").remote_id == "001B"
    assert body(of(moved, "salesforce", "Account")) == body(told)
    paid = company.record("quickbooks", "Payment", stored("Payment", "181", 1), version(2))
    assert of(paid, "salesforce", "Account").remote_id == "001B"


def test_figures_leave_the_account_of_another_once_a_merge_is_undone(company: Company) -> None:
    """A customer had only the other's account; what it pays later is told to its own, or to none."""
    company.connect()
    company.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    company.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "Globex"}, at(1))
    acme, globex = (company.party(name)["id"] for name in ("Acme, Inc.", "Globex"))
    company.take(Decision(TENANT, "merge", AT, party=globex, other=acme))
    told = of(company.record("quickbooks", "Payment", stored("Payment", "180"), version(1)), "salesforce", "Account")
    company.result(told, "001B", {"Id": "001B"})
    assert {c.operation for c in company.take(Decision(TENANT, "split", AT, party=globex))} == {"FETCH"}
    company.record("salesforce", "Account", {}, at(2), remote_id="001B", deleted=True)
    own = of(company.record("salesforce", "Account", {**ACCOUNT, "Id": "001C"}, at(3)), "salesforce", "Account")
    assert (told.remote_id, own.remote_id, body(own)) == ("001B", "001C", body(told))


def test_figures_go_to_the_contact_that_survives_a_merge(company: Company) -> None:
    """A person is two contacts of the CRM; the one that has the figures is merged into the other."""
    company.take(
        ConnectionChanged(TENANT, 1, dict.fromkeys(("salesforce", "quickbooks"), "1"), "UTC", "USD", figures=OPEN)
    )
    names = {"DisplayName": "Ann Lee", "GivenName": "Ann", "FamilyName": "Lee", "CompanyName": None}
    person = {**stored("Customer", "58"), **names, "PrimaryEmailAddr": {"Address": CONTACT["Email"]}}
    company.record("salesforce", "Contact", {**CONTACT, "AccountId": None}, at(1))
    company.record("quickbooks", "Customer", person, version(0))
    told = of(company.record("quickbooks", "Invoice", stored("Invoice", "145"), version(1)), "salesforce", "Contact")
    company.result(told, "003A", {"Id": "003A"})
    company.record("salesforce", "Contact", {**CONTACT, "Id": "003B", "AccountId": None, "LastName": "Wu"}, at(1))
    lee, wu = (company.party(name)["id"] for name in ("Ann Lee", "Ann Wu"))
    company.take(Decision(TENANT, "merge", AT, party=wu, other=lee))
    moved = company.record("salesforce", "Contact", {}, at(2), remote_id="003A", deleted=True, merged_into="003B")
    assert (of(moved, "salesforce", "Contact").remote_id, body(of(moved, "salesforce", "Contact"))) == (
        "003B",
        body(told),
    )
    paid = company.record("quickbooks", "Invoice", stored("Invoice", "145", 1, Balance=0), version(2))
    assert of(paid, "salesforce", "Contact").remote_id == "003B"


def test_an_older_word_of_another_record_moves_no_link(company: Company) -> None:
    """Two contacts that are one person: the organisation is that of the one changed last."""
    company.connect()
    company.record("salesforce", "Account", ACCOUNT, at(1))
    company.record("salesforce", "Account", {**ACCOUNT, "Id": "001B", "Name": "Globex"}, at(1))
    company.record("salesforce", "Contact", {**CONTACT, "Phone": "(415) 555-2671"}, at(5))
    copy = {**CONTACT, "Id": "003B", "AccountId": "001B", "Phone": "(415) 555-2671"}
    company.record("salesforce", "Contact", copy, at(4))
    ann = company.party("Ann Lee")
    assert len(ann["refs"]) == 2
    assert ann["organisation_id"] == company.party("Acme, Inc.")["id"]
    company.record("salesforce", "Contact", copy, at(6))
    assert company.party("Ann Lee")["organisation_id"] == company.party("Globex")["id"]
