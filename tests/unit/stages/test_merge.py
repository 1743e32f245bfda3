"""The golden record: owner, then newest version; never back."""

from itertools import permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.records import Entity
from streams.stages.mapping import Draft, Ref
from streams.stages.merge import fresh, merge
from tests.unit.stages.kit import TENANT

TEXTS = st.sampled_from(["a", "b", "c", None])
VENDORS = st.sampled_from([("salesforce", "Account"), ("quickbooks", "Customer"), ("pardot", "Prospect")])


def said(vendor: str, kind: str, **fields: Any) -> Draft:
    """Return what a vendor's object says about a party."""
    return Draft("party", Ref(vendor, kind, "1"), fields, {}, {}, ())


def merged(*drafts: tuple[Draft, str], record: Entity | None = None) -> Entity:
    """Merge drafts with their versions, one after the other."""
    found = record or fresh("party", TENANT, "p")
    for draft, version in drafts:
        found = merge(found, draft, version)
    return found


@st.composite
def histories(draw: st.DrawFn, vendors: st.SearchStrategy[tuple[str, str]] = VENDORS) -> list[tuple[Draft, str]]:
    """Return records of some vendors, each version of an object with one content."""
    found = {}
    for _ in range(draw(st.integers(1, 6))):
        vendor, kind = draw(vendors)
        version = draw(st.sampled_from("1234"))
        fields = {"website": draw(TEXTS), "industry": draw(TEXTS), "emails": draw(st.lists(st.sampled_from("xyz")))}
        found[vendor, kind, version] = (said(vendor, kind, **fields), version)
    return list(found.values())


@given(histories())
def test_merging_again_changes_nothing(history: list[tuple[Draft, str]]) -> None:
    """Replaying any part of the history leaves the record as it is."""
    record = merged(*history)
    newest = {(d.ref.vendor, d.ref.object): (d, v) for d, v in sorted(history, key=lambda item: item[1])}
    assert merged(*newest.values(), record=record) == merged(*newest.values(), *newest.values(), record=record)


@given(histories(), st.data())
def test_an_older_version_never_moves_a_field_back(history: list[tuple[Draft, str]], data: st.DataObject) -> None:
    """After the whole history, any record of it that is not its object's newest changes no single field."""
    record = merged(*history)
    draft, version = data.draw(st.sampled_from(history))
    again = merge(record, draft, version)
    newer = [v for d, v in history if d.ref == draft.ref and v > version]
    if newer:
        assert (again["website"], again["industry"]) == (record["website"], record["industry"])


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
