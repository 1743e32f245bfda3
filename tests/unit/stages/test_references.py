"""Fields that hold canonical ids: of objects that have not come yet, and those on which systems disagree."""

from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from connectors.kafka.codec import Codec
from connectors.kafka.records import ConnectionChanged
from streams.stages.mapping import Templates
from streams.stages.pipeline import Pipeline
from streams.stages.policies import Policies, check_policies
from tests.unit.stages.kit import ACCOUNT, CONTACT, TENANT, Company, at, stored, version

PERSON: dict[str, Any] = {
    "DisplayName": "Ann Lee", "CompanyName": None, "GivenName": "Ann", "FamilyName": "Lee",
    "PrimaryEmailAddr": {"Address": CONTACT["Email"]},
}  # fmt: skip
NAMED = st.sampled_from(["A", "B", None])
POLICIES: dict[str, dict[str, str]] = {
    "salesforce": {}, "quickbooks": {"party": "owner:quickbooks"}, "newest": {"party.organisation_id": "newest"},
}  # fmt: skip


@pytest.mark.parametrize(("later", "named"), [({"value": "59"}, "59"), (None, None)])
def test_a_field_waits_for_what_its_record_names_last(
    company: Company, later: dict[str, str] | None, named: str | None
) -> None:
    """The object that it named before may come first, and is not what it is about any more."""
    company.connect("quickbooks")
    company.record("quickbooks", "Invoice", stored("Invoice", "7", 1, CustomerRef={"value": "58"}), version(1))
    company.record("quickbooks", "Invoice", stored("Invoice", "7", 2, CustomerRef=later), version(2))
    company.record("quickbooks", "Customer", stored("Customer", "58"), version(0))
    assert company.only("invoice")["customer_id"] is None
    company.record("quickbooks", "Customer", stored("Customer", "59", CompanyName="Benson Ltd"), version(0))
    other = company.party("Benson Ltd")["id"]
    assert company.only("invoice")["customer_id"] == (other if named else None)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    policy=st.sampled_from(sorted(POLICIES)),
    named=st.fixed_dictionaries({"salesforce": NAMED, "quickbooks": NAMED}),
    seconds=st.permutations([2, 3]),
    order=st.permutations(range(6)),
)
@example(policy="newest", named={"salesforce": "A", "quickbooks": "B"}, seconds=[2, 3], order=[1, 0, 2, 3, 4, 5])
def test_systems_that_disagree_on_a_reference_are_judged_as_on_a_field(
    templates: Templates,
    codec: Codec,
    policy: str,
    named: dict[str, str | None],
    seconds: list[int],
    order: list[int],
) -> None:
    """The owner's word, its silence too, else the newest that names any; in whatever order they and what is named come.

    A contact and a customer of the accounts are one person, who may belong to an organisation of either system.
    """
    company = Company(Pipeline(codec, templates))
    accounts = dict.fromkeys(named, "1")
    company.take(ConnectionChanged(TENANT, 1, accounts, "UTC", "USD", policies=POLICIES[policy]))
    crm, books = named["salesforce"], named["quickbooks"]
    contact = {**CONTACT, "AccountId": crm and f"001{crm}"}
    customer = stored("Customer", "70", **PERSON, ParentRef=books and {"value": f"58{books}"})
    happened: list[tuple[str, str, dict[str, Any], str]] = [
        ("salesforce", "Contact", contact, version(seconds[0]).partition("/")[0]),
        ("quickbooks", "Customer", customer, version(seconds[1])),
    ]
    for name in ("A", "B"):
        account = {**ACCOUNT, "Id": f"001{name}", "Name": f"salesforce {name}"}
        happened.append(("salesforce", "Account", account, at(1)))
        parent = stored("Customer", f"58{name}", CompanyName=f"quickbooks {name}", DisplayName=name)
        happened.append(("quickbooks", "Customer", parent, version(0)))
    for number in order:
        company.record(*happened[number])
    newest = ("salesforce", "quickbooks") if seconds[0] > seconds[1] else ("quickbooks", "salesforce")
    who = next((vendor for vendor in newest if named[vendor]), "quickbooks") if policy == "newest" else policy
    found = company.latest("party").get(company.party("Ann Lee")["organisation_id"] or "")
    assert (found and found["name"]) == (f"{who} {named[who]}" if named[who] else None)


def test_a_list_that_does_not_stand_links_nothing(company: Company) -> None:
    """Two objects of a shop are one cart; the products of the lines are those of whoever told the lines."""
    company.connect("shopify")
    for name in ("1", "2"):
        variant = {"id": f"gid://shopify/ProductVariant/{name}", "title": name, "sku": name, "price": "9.00",
                   "updatedAt": "2026-03-01T10:00:00Z"}  # fmt: skip
        mug = {
            "id": f"gid://shopify/Product/{name}",
            "title": name,
            "status": "ACTIVE",
            "variants": {"nodes": [variant]},
        }
        company.record("shopify", "Product", mug, at(1), remote_id=name)
    new = {
        "id": 7,
        "token": "t",
        "updated_at": "2026-03-01T10:00:05Z",
        "line_items": [{"id": "a", "quantity": 1, "variant_id": 2}],
    }
    line = {"id": "b", "quantity": 1, "variant": {"id": "gid://shopify/ProductVariant/1"}}
    old = {
        "id": "gid://shopify/AbandonedCheckout/7",
        "updatedAt": "2026-03-01T10:00:02Z",
        "lineItems": {"nodes": [line]},
    }
    company.record("shopify", "Checkout", new, at(5), remote_id="7")
    company.record("shopify", "AbandonedCheckout", old, at(2), remote_id="7")
    (item,) = company.only("cart")["lines"]
    assert company.latest("product")[item["product_id"]]["sku"] == "2"


def test_a_reference_is_not_held_for_a_person() -> None:
    """A canonical id is nothing to choose between; where a connection says so all the same, versions decide."""
    own = {"party.organisation_id": "hold"}
    [(target, reason)] = check_policies(own, {"salesforce"})
    assert (target, "cannot be held" in reason) == ("party.organisation_id", True)
    for policies in (Policies(own), Policies({"party": "hold"})):
        assert policies.of("party", "organisation_id").name == "newest"
