"""Own writes that come back: however vendors spell what we wrote, the systems fall silent."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import count
from types import SimpleNamespace

import pytest

from connectors.kafka.records import ConnectionChanged, CustomField
from streams.stages import commands, echoes, rendered, work
from tests.unit.stages.kit import ALL, CONTACT, TENANT, Company
from tests.unit.stages.loops import Body, World

ENOUGH = 6
"""Rounds: figures follow the invoice, which follows the customer."""


def capitals(body: Body) -> Body:
    """Store texts in capitals, numbers with one place, as Pardot does here."""
    found: Body = {}
    for name, value in body.items():
        if isinstance(value, str) and name in {"firstName", "lastName", "company", "phone", "Plan__c"}:
            found[name] = value.strip().upper()
        else:
            found[name] = round(value, 1) if isinstance(value, Decimal) else value
    return found


def titled(body: Body) -> Body:
    """Store names with a capital first, numbers as (415) 555-2671 and amounts, as QuickBooks does here."""
    found = dict(body)
    for name in ("GivenName", "FamilyName", "DisplayName", "CompanyName"):
        if isinstance(found.get(name), str):
            found[name] = found[name].strip().title()
    if (phone := found.get("PrimaryPhone")) is not None:
        digits = phone["FreeFormNumber"].removeprefix("+1").replace("-", "").replace("(", "").replace(") ", "")
        found["PrimaryPhone"] = {"FreeFormNumber": f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"}
    if "Line" in found and "CustomerRef" in found and "TotalAmt" not in found:
        total = sum((line["Amount"] for line in found["Line"]), Decimal(0))
        found |= {"TotalAmt": total, "Balance": total, "DocNumber": "1001", "CurrencyRef": {"value": "USD"}}
    return found


def world(
    company: Company, policy: str, *, told_twice: bool = True, overtaken: bool = False, known: bool = False
) -> World:
    """Return a tenant whose customer is a person known to Salesforce, and to Pardot, with a won opportunity."""
    policies = {"party": policy, "product": policy}
    plan = CustomField("string", {"salesforce/Contact": "Plan__c", "pardot/Prospect": "Plan__c"},
                       {"pardot/Prospect": "Plan__c"})  # fmt: skip
    accounts = dict.fromkeys(ALL, "1")
    company.take(ConnectionChanged(
        TENANT, 1, accounts, "America/New_York", "USD", policies=policies, custom_fields={"Plan": plan}
    ))  # fmt: skip
    found = World(company, {"pardot": capitals, "quickbooks": titled}, told_twice=told_twice, overtaken=overtaken)
    contact = {**CONTACT, "AccountId": None, "FirstName": "ann", "Phone": "415-555-2671", "MailingCountry": "USA"}
    found.edit("salesforce", "Contact", "003A", **contact, Plan__c="gold ")
    if known:
        found.edit("pardot", "Prospect", "9", email="ann@acme.example")
    line = {"Id": "00kA", "Quantity": 1, "UnitPrice": Decimal("250.25"), "Product2Id": "01tA",
            "Product2": {"Id": "01tA", "Name": "widget", "ProductCode": "W-1", "IsActive": True}}  # fmt: skip
    won = {"Id": "006A", "SystemModstamp": "2026-03-01T10:00:01.000+0000", "Name": "Rollout", "AccountId": None,
           "IsWon": True, "IsClosed": True, "CloseDate": "2026-02-28"}  # fmt: skip
    role = {"Id": "00KA", "ContactId": "003A", "IsPrimary": True, "Contact": {**contact, "Id": "003A"}}
    found.edit("salesforce", "OpportunitySnapshot", "006A", Opportunity=won, Account=None, Lines=[line],
               ContactRoles=[role])  # fmt: skip
    return found


POLICIES = ("owner:salesforce", "owner:quickbooks", "owner:pardot", "newest", "hold")


@pytest.mark.parametrize("overtaken", [False, True])
@pytest.mark.parametrize("told_twice", [True, False])
@pytest.mark.parametrize("policy", POLICIES)
def test_all_is_silent_after_a_few_rounds(company: Company, policy: str, told_twice: bool, overtaken: bool) -> None:
    """Three systems, three spellings, whoever wins: each is written to, then nobody has anything to say."""
    systems = world(company, policy, told_twice=told_twice, overtaken=overtaken)
    assert systems.rounds(ENOUGH) is not None
    assert {(c.vendor, c.object) for c in systems.written} >= {
        ("quickbooks", "Customer"), ("quickbooks", "Item"), ("quickbooks", "Invoice"), ("pardot", "Prospect")
    }  # fmt: skip


@pytest.mark.parametrize("overtaken", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_edits_on_both_sides_settle(company: Company, policy: str, overtaken: bool) -> None:
    """People change the same person in two systems, again and again: each time it is silent soon after."""
    systems = world(company, policy, overtaken=overtaken)
    assert systems.rounds(ENOUGH) is not None
    prospect = next(id_ for vendor, _, id_ in systems.objects if vendor == "pardot")
    customer = next(id_ for vendor, kind, id_ in systems.objects if (vendor, kind) == ("quickbooks", "Customer"))
    for number in range(3):
        systems.edit("pardot", "Prospect", prospect, firstName=f"Annie{number}", Plan__c=f"silver{number}")
        systems.edit("quickbooks", "Customer", customer, GivenName=f"anna{number}")
        systems.edit("salesforce", "Contact", "003A", FirstName=f"ann{number}")
        before = len(systems.written)
        assert systems.rounds(ENOUGH) is not None
        assert len(systems.written) - before <= 8


def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take our own words for the vendor's."""
    monkeypatch.setattr(echoes, "heard", lambda _rows, draft: draft)


def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every command for a new one."""
    numbers = count()
    digest = SimpleNamespace(hexdigest=lambda: str(next(numbers)))
    monkeypatch.setattr(commands, "sha256", lambda _body: digest)
    monkeypatch.setattr(rendered, "digest_of", lambda _key, _said: None)


def restless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every record for a change."""
    monkeypatch.setattr(work, "UNSEEN", ())


Off = Callable[[pytest.MonkeyPatch], None]


@pytest.mark.parametrize(("policy", "off"), [("newest", [deaf]), ("owner:salesforce", [forgetful, restless])])
def test_without_suppression_it_never_ends(
    company: Company, monkeypatch: pytest.MonkeyPatch, policy: str, off: Sequence[Off]
) -> None:
    """What keeps the systems silent are these three: our own words known, contents sent once, no change without one."""
    for one in off:
        one(monkeypatch)
    assert world(company, policy, told_twice=False).rounds(5 * ENOUGH) is None


@pytest.mark.parametrize("off", [forgetful, restless])
def test_either_of_two_is_enough_where_one_system_owns(
    company: Company, monkeypatch: pytest.MonkeyPatch, off: Off
) -> None:
    """Contents are sent once, and what is no change is not routed: one covers for the other."""
    off(monkeypatch)
    assert world(company, "owner:salesforce").rounds(ENOUGH) is not None


def test_a_person_who_takes_a_value_back_is_heard(company: Company) -> None:
    """Our own words are nobody's only until the vendor says something else; then they are its own."""
    systems = world(company, "newest")
    assert systems.rounds(ENOUGH) is not None
    prospect = next(id_ for vendor, _, id_ in systems.objects if vendor == "pardot")
    assert company.party("ann Lee")["given_name"] == "ann"
    for name in ("Bea", "ann"):
        systems.edit("pardot", "Prospect", prospect, firstName=name)
        assert systems.rounds(ENOUGH) is not None
        (person,) = (p for p in company.latest("party").values() if p["kind"] == "PERSON" and p["emails"])
        assert person["given_name"] == name.upper()


@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize("policy", POLICIES)
def test_a_record_that_overtakes_the_answer_leaves_the_same(company: Company, policy: str, known: bool) -> None:
    """What a vendor tells of our own words before its answer is here is not its word: nothing stands that would not."""
    other = Company(company.pipeline)
    one, two = world(company, policy, known=known), world(other, policy, overtaken=True, known=known)
    assert one.rounds(ENOUGH) is not None
    assert two.rounds(ENOUGH) is not None
    assert _standing(company) == _standing(other)


def _standing(company: Company) -> list[tuple[object, ...]]:
    """Return what stands in every party and product, which vendor set it, and what was refused."""
    found = [*company.latest("party").values(), *company.latest("product").values()]
    told = ("name", "given_name", "family_name", "phones", "unit_price", "custom", "conflicts")
    said = (
        (
            *((name, record.get(name)) for name in told),
            *((name, by.partition("/")[0]) for name, by in sorted(record["provenance"].items())),
        )
        for record in found
        if record is not None
    )
    return sorted(said, key=str)
