"""The golden record: owner, then newest version; never back."""

import json
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import MappingError
from connectors.kafka.records import Entity
from streams.stages.mapping import Draft, Ref
from streams.stages.merge import fresh, merge
from streams.stages.policies import SHIPPED, Policies
from tests.unit.stages.kit import TENANT

TEXTS = st.sampled_from(["a", "b", "c", None])
NUMBERS = st.sampled_from(["+14155550100", "(415) 555-0100", "+442079460958", "020 7946 0958", "555-0100"])
VENDORS = st.sampled_from([("salesforce", "Account"), ("quickbooks", "Customer"), ("pardot", "Prospect")])


def said(vendor: str, kind: str, **fields: Any) -> Draft:
    """Return what a vendor's object says about a party."""
    return Draft("party", Ref(vendor, kind, "1"), fields, {}, {}, ())


def merged(*drafts: tuple[Draft, str], record: Entity | None = None, policies: Policies = SHIPPED) -> Entity:
    """Merge drafts with their versions, one after the other."""
    found = record or fresh("party", TENANT, "p")
    for draft, version in drafts:
        found = merge(found, draft, version, policies)
    return found


@st.composite
def histories(draw: st.DrawFn, vendors: st.SearchStrategy[tuple[str, str]] = VENDORS) -> list[tuple[Draft, str]]:
    """Return records of some vendors, each version of an object with one content."""
    found = {}
    for _ in range(draw(st.integers(1, 6))):
        vendor, kind = draw(vendors)
        version = draw(st.sampled_from("1234"))
        lists = {"emails": draw(st.lists(st.sampled_from("xyz"))), "phones": draw(st.lists(NUMBERS))}
        fields = {"website": draw(TEXTS), "industry": draw(TEXTS), **lists}
        found[vendor, kind, version] = (said(vendor, kind, **fields), version)
    return list(found.values())


def in_order(history: list[tuple[Draft, str]]) -> list[tuple[Draft, str]]:
    """Return what is left when an object's older versions after newer ones are passed over, as `canonicalise` does."""
    found: list[tuple[Draft, str]] = []
    for draft, version in history:
        if all(known.ref != draft.ref or last < version for known, last in found):
            found.append((draft, version))
    return found


@given(histories())
def test_merging_again_changes_nothing(history: list[tuple[Draft, str]]) -> None:
    """Replaying any part of the history leaves the record as it is."""
    record = merged(*in_order(history))
    newest = {(d.ref.vendor, d.ref.object): (d, v) for d, v in sorted(history, key=lambda item: item[1])}
    assert merged(*newest.values(), record=record) == merged(*newest.values(), *newest.values(), record=record)


@given(histories(), st.data())
def test_an_older_version_never_moves_a_field_back(history: list[tuple[Draft, str]], data: st.DataObject) -> None:
    """What an object's newest record says, or another's after it, an older record of the object leaves alone.

    Where the newest says nothing, `canonicalise` alone can tell: it passes older records over.
    """
    record = merged(*history)
    draft, version = data.draw(st.sampled_from(history))
    again = merge(record, draft, version)
    newest, last = max(((d, v) for d, v in history if d.ref == draft.ref), key=lambda item: item[1])
    for name in ("website", "industry"):
        assert last == version or newest.fields[name] is None or again[name] == record[name]


@given(histories(st.just(("salesforce", "Account"))))
def test_the_order_of_an_owners_records_does_not_matter(history: list[tuple[Draft, str]]) -> None:
    """Whatever the order in which they come, the newest version stands."""
    outcomes = [merged(*order) for order in permutations(history[:4])]
    assert all(outcome == outcomes[0] for outcome in outcomes)


@given(histories())
def test_once_the_owner_has_spoken_no_other_vendor_sets_its_field(history: list[tuple[Draft, str]]) -> None:
    """Salesforce owns master data, also what it leaves empty."""
    record = merged(*history, (said("salesforce", "Account", website="own", industry=None), "9"))
    after = merged((said("quickbooks", "Customer", website="q", industry="q"), "99"), record=record)
    assert (after["website"], after["industry"]) == ("own", None)


def test_what_another_vendor_leaves_empty_says_nothing() -> None:
    """Only an object's own null, or the owner's, empties a field."""
    record = merged((said("pardot", "Prospect", website="p"), "1"), (said("quickbooks", "Customer", website=None), "2"))
    assert record["website"] == "p"
    assert merged((said("pardot", "Prospect", website=None), "3"), record=record)["website"] is None


def test_opt_outs_only_ever_come_true() -> None:
    """No system can take back a person's no."""
    record = merged(
        (said("pardot", "Prospect", opted_out=True), "1"), (said("pardot", "Prospect", opted_out=False), "2")
    )
    assert record["opted_out"] is True


def test_lists_are_unions_with_the_owners_first_in_front() -> None:
    """An address that any vendor knows stays known; the owner's is the preferred one."""
    record = merged(
        (said("quickbooks", "Customer", emails=["q@x.example"]), "1"),
        (said("salesforce", "Account", emails=["s@x.example"]), "1"),
        (said("pardot", "Prospect", emails=["a@x.example"]), "9"),
    )
    assert record["emails"] == ["s@x.example", "a@x.example", "q@x.example"]


def test_one_address_in_two_spellings_is_one() -> None:
    """The preferred spelling stays."""
    record = merged(
        (said("pardot", "Prospect", emails=["ann@x.example"]), "1"),
        (said("salesforce", "Contact", emails=["Ann@x.example"]), "1"),
    )
    assert record["emails"] == ["Ann@x.example"]


def test_custom_fields_have_a_provenance_of_their_own() -> None:
    """Each is decided for itself."""
    draft = Draft("party", Ref("salesforce", "Account", "1"), {}, {"Tier": "Gold"}, {}, ())
    record = merged((draft, "2"))
    older = Draft("party", Ref("salesforce", "Account", "1"), {}, {"Tier": "Tin"}, {}, ())
    assert merge(record, older, "1")["custom"] == {"Tier": "Gold"}
    assert record["provenance"]["custom.Tier"] == "salesforce/Account/2"


POLICIES = st.sampled_from(["owner:salesforce", "owner:quickbooks", "newest", "hold"]).map(
    lambda policy: Policies({"party": policy})
)


@st.composite
def claims(draw: st.DrawFn, values: st.SearchStrategy[str | None] = TEXTS) -> list[tuple[Draft, str]]:
    """Return what stands at each vendor: one version of one object each."""
    chosen = draw(st.lists(VENDORS, min_size=1, max_size=3, unique=True))
    return [
        (
            said(vendor, kind, website=draw(values), opted_out=draw(st.booleans())),
            draw(st.sampled_from("123")),
        )
        for vendor, kind in chosen
    ]


def told(record: Entity) -> dict[str, Any]:
    """Return a record without those who said that a field is empty: nothing was set."""
    provenance = {name: said for name, said in record["provenance"].items() if record[name]}
    return {**record, "provenance": provenance}


@given(POLICIES, claims())
def test_the_order_of_vendors_does_not_matter(policies: Policies, found: list[tuple[Draft, str]]) -> None:
    """Whoever comes first, the same value stands and the same are refused; but `hold` is about who came first."""
    records = [merged(*order, policies=policies) for order in permutations(found)]
    if policies.of("party", "website").holds:
        in_play = [{r["website"], *(json.loads(e["refused"]) for e in r["conflicts"])} - {None} for r in records]
        assert all(values == in_play[0] for values in in_play)
    else:
        assert all(told(record) == told(records[0]) for record in records)


@given(POLICIES, histories())
def test_repeating_what_came_last_changes_nothing(policies: Policies, history: list[tuple[Draft, str]]) -> None:
    """Under every policy the newest record of each object, once taken in, may come again."""
    newest = {(d.ref.vendor, d.ref.object): (d, v) for d, v in sorted(history, key=lambda item: item[1])}
    record = merged(*newest.values(), policies=policies)
    assert merged(*newest.values(), record=record, policies=policies) == record


@given(POLICIES, histories(), st.data())
def test_no_policy_moves_a_field_back(
    policies: Policies, history: list[tuple[Draft, str]], data: st.DataObject
) -> None:
    """An object's older version changes nothing of what the object says; `canonicalise` passes it over even before."""
    newest = {(d.ref.vendor, d.ref.object): (d, v) for d, v in sorted(history, key=lambda item: item[1])}
    record = merged(*newest.values(), policies=policies)
    draft, version = data.draw(st.sampled_from(history))
    said, last = newest[draft.ref.vendor, draft.ref.object]
    if version < last:
        again = merge(record, draft, version, policies)
        for name in ("website", "industry"):
            # Where it has nothing to say now, its silence is not kept.
            assert said.fields[name] is None or again[name] == record[name]


@given(POLICIES, claims())
def test_opt_outs_win_under_every_policy(policies: Policies, found: list[tuple[Draft, str]]) -> None:
    """One system's no is everybody's, in whichever order they come."""
    for order in permutations(found):
        wanted = any(draft.fields["opted_out"] for draft, _ in found)
        assert merged(*order, policies=policies)["opted_out"] is wanted


SALESFORCE = (said("salesforce", "Account", website="https://s.example"), "2")
QUICKBOOKS = (said("quickbooks", "Customer", website="https://q.example"), "3")


@pytest.mark.parametrize(
    ("policy", "stands", "refused_by"),
    [
        ("owner:salesforce", "https://s.example", "quickbooks/Customer/3"),
        ("owner:quickbooks", "https://q.example", "salesforce/Account/2"),
        ("newest", "https://q.example", "salesforce/Account/2"),
        ("hold", "https://s.example", "quickbooks/Customer/3"),
    ],
)
def test_what_was_refused_stands_beside_with_who_says_it(policy: str, stands: str, refused_by: str) -> None:
    """Consumers see the value that was kept, the value refused, by whom and why."""
    record = merged(SALESFORCE, QUICKBOOKS, policies=Policies({"party.website": policy}))
    (conflict,) = record["conflicts"]
    assert record["website"] == stands
    assert (conflict["field"], conflict["policy"], conflict["refused_by"]) == ("website", policy, refused_by)
    assert {stands, json.loads(conflict["refused"])} == {"https://s.example", "https://q.example"}


def test_a_conflict_is_gone_once_the_systems_agree() -> None:
    """Capitals and blanks are no disagreement; nor is what a system has taken back."""
    agreed = (said("quickbooks", "Customer", website=" HTTPS://S.example"), "4")
    assert merged(SALESFORCE, QUICKBOOKS, agreed)["conflicts"] == []
    follows = (said("salesforce", "Account", website="https://q.example"), "4")
    assert merged(SALESFORCE, QUICKBOOKS, follows)["conflicts"] == []
    emptied = (said("quickbooks", "Customer", website=None), "4")
    assert merged(SALESFORCE, QUICKBOOKS, emptied)["conflicts"] == []


@pytest.mark.parametrize(
    ("policies", "reason"),
    [
        ({"partie": "newest"}, "no entity"),
        ({"party.webside": "newest"}, "has no field webside"),
        ({"party.website": "latest"}, "use owner:<vendor>, newest or hold"),
        ({"party.opted_out": "newest"}, "opt-outs always win"),
        ({"party.emails": "hold"}, "a list cannot be held"),
    ],
)
def test_policies_that_cannot_hold_are_refused(policies: dict[str, str], reason: str) -> None:
    """The message says what to write instead."""
    with pytest.raises(MappingError, match=reason):
        Policies(policies)


@pytest.mark.parametrize("turn", [1, -1])
def test_a_number_without_its_country_gives_way(turn: int) -> None:
    """Where another system tells the country, both told of one number, whoever came first."""
    typed, standard = ["(415) 555-0100", "555-0199"], ["+14155550100", "+442079460958"]
    says = [(said("salesforce", "Account", phones=typed), "2"), (said("quickbooks", "Customer", phones=standard), "1")]
    assert merged(*says[::turn])["phones"] == ["+14155550100", "+442079460958", "555-0199"]
