"""Are two records one party: traits, keys, scores, bands, the index."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.kafka.codec import Codec
from streams.stages.matching import Band, Index, Traits, compare, judge, score
from streams.stages.matching.index import BUCKET, CANDIDATES
from streams.stages.matching.keys import VERSION, keys
from streams.stages.matching.weights import LINK, REVIEW
from streams.stages.rows import Link
from streams.stages.tables import Rows
from tests.unit.stages.kit import TENANT, MemoryState

ANN = {
    "given_name": "Ann", "family_name": "Lee", "company_name": "Acme, Inc.", "emails": ["ann.lee@acme.example"],
    "phones": ["+14155552671"],
}  # fmt: skip


def person(**more: Any) -> Traits:
    """Return the traits of Ann Lee, or of who differs from her so."""
    found = Traits.of({"kind": "PERSON", **ANN, **more})
    assert found is not None
    return found


def company(name: str, **more: Any) -> Traits:
    """Return the traits of an organisation."""
    found = Traits.of({"kind": "ORGANISATION", "name": name, **more})
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("field", "mine", "theirs", "level"),
    [
        ("given", {"given_name": "William"}, {"given_name": "Bill"}, "short"),
        ("given", {"given_name": "Nancy"}, {"given_name": "Nan"}, "short"),
        ("given", {"given_name": "Robert"}, {"given_name": "R."}, "initial"),
        ("given", {"given_name": "Catherine"}, {"given_name": "Cathrine"}, "near"),
        ("given", {"given_name": "Ann"}, {"given_name": "Bob"}, "clash"),
        ("given", {"given_name": "Buyer 12"}, {"given_name": "Buyer 13"}, "clash"),
        ("family", {"family_name": "Müller"}, {"family_name": "Muller"}, "same"),
        ("swapped", {}, {"given_name": "Lee", "family_name": "Ann"}, "names"),
        ("email", {}, {"emails": ["ANN.LEE@acme.example"]}, "same"),
        ("email", {}, {"emails": ["ann.lee@acme.exampel"]}, "near"),
        ("email", {}, {"emails": ["ann.lee@mail.example"]}, "by name"),
        ("email", {}, {"emails": ["ann***@acme.example"]}, "masked"),
        ("email", {}, {"emails": ["bob@acme.example"]}, "other"),
        ("email", {"emails": ["ann1@acme.example"]}, {"emails": ["ann2@acme.example"]}, "other"),
        ("email", {"emails": ["x348661@a.example"]}, {"emails": ["34 86 61"]}, "digits"),
        ("email", {}, {"emails": ["sales@acme.example"]}, None),
        ("phone", {}, {"phones": ["+14155552671;ext=12"]}, "stem"),
        ("phone", {}, {"phones": ["+14155552678"]}, "near"),
        ("phone", {}, {"phones": ["+442071838750"]}, "other"),
        ("company", {}, {"company_name": "ACME Incorporated"}, "same"),
        ("company", {"company_name": "Shop 12"}, {"company_name": "Shop 13"}, "other"),
    ],
)
def test_levels_of_agreement(field: str, mine: dict[str, Any], theirs: dict[str, Any], level: str | None) -> None:
    """What people, keyboards and forms do to a value is told from another value; role mailboxes tell nothing."""
    assert compare(person(**mine), person(**theirs)).levels.get(field) == level
    assert compare(person(**theirs), person(**mine)).levels.get(field) == level


@pytest.mark.parametrize(
    ("more", "band"),
    [
        ({}, Band.LINK),
        ({"phones": [], "company_name": None}, Band.LINK),
        ({"given_name": "Annie", "family_name": "LEE"}, Band.LINK),
        ({"family_name": "Smith", "phones": ["+14155552671"]}, Band.LINK),
        ({"given_name": "Bob"}, Band.REVIEW),
        ({"emails": ["bob@other.example"], "phones": []}, Band.NEW),
        ({"emails": ["lee.a@home.example"]}, Band.REVIEW),
        ({"given_name": "Carlos", "family_name": "Diaz", "company_name": "Globex"}, Band.REVIEW),
        ({"given_name": "Carlos", "family_name": "Diaz", "company_name": "Globex", "emails": []}, Band.NEW),
    ],
)
def test_bands(more: dict[str, Any], band: Band) -> None:
    """Mailbox and name link; another given name, or another mailbox, is for a person to say."""
    assert judge(person(), [("r", person(**more))], lambda _: "P").band is band


def test_a_number_of_a_third_party_forbids_to_link() -> None:
    """Name and mailbox of one, telephone of somebody at another company: a person is asked."""
    third = person(given_name="Carlos", family_name="Diaz", company_name="Globex", emails=["cd@globex.example"])
    others = [("r", person(phones=[])), ("s", third)]
    verdict = judge(person(), others, lambda name: {"r": "P", "s": "Q"}[name])
    assert (verdict.band, verdict.shared) == (Band.REVIEW, True)
    assert verdict.candidates[0].party == "P"
    assert judge(person(), others, lambda _: "P").band is Band.LINK


def test_an_official_number_outweighs_a_new_name() -> None:
    """Who has the same tax number is the same, whatever the name."""
    base = {"kind": "PERSON", "family_name": "Lee", "billing_address": {"line1": "1 Main St", "postal_code": "62701"}}
    mine = Traits.of({**base, "given_name": "Ann"}, {"tax_id": "7044814"})
    theirs = Traits.of({**base, "given_name": "Kylie"}, {"tax_id": "7044814"})
    assert mine is not None
    assert theirs is not None
    assert judge(mine, [("r", theirs)], lambda _: "P").band is Band.LINK


@pytest.mark.parametrize(
    ("other", "band"),
    [
        (company("Acme Corporation", website="https://www.acme.example/en"), Band.LINK),
        (company("Acmee", website="acme.example", phones=["+14155552671"]), Band.LINK),
        (company("Acme Logistics", website="acme.example"), Band.REVIEW),
        (company("Globex", website="globex.example", phones=["+14155552671"]), Band.NEW),
    ],
)
def test_organisations(other: Traits, band: Band) -> None:
    """Name and domain make one company; a shared telephone alone does not."""
    mine = company("Acme, Inc.", website="http://acme.example", phones=["+14155552671"])
    assert judge(mine, [("r", other)], lambda _: "P").band is band


def test_thresholds_are_ordered() -> None:
    """There is room for a person between new and linked."""
    assert 0 < REVIEW < LINK


@pytest.mark.parametrize(
    "more",
    [
        {"given_name": "Anna", "emails": [], "phones": []},
        {"given_name": "Lee", "family_name": "Ann", "emails": [], "phones": []},
        {"given_name": "X", "family_name": "Y", "company_name": None, "phones": []},
        {"given_name": "X", "family_name": "Y", "company_name": None, "emails": []},
        {"emails": ["+1 ann"], "phones": [], "given_name": "Amn"},
    ],
)
def test_noisy_records_share_a_key(more: dict[str, Any]) -> None:
    """However one field is spoiled, another brings the two together."""
    assert set(keys(person())) & set(keys(person(**more)))


names = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=20)


@given(names, names, names, st.lists(names, max_size=2))
def test_packing_loses_nothing(given_name: str, family: str, city: str, emails: list[str]) -> None:
    """What is read from a row equals what was written, whatever the letters."""
    address = {"line1": None, "city": city, "region": None, "postal_code": None, "country": None}
    traits = person(given_name=given_name, family_name=family, emails=emails, billing_address=address)
    assert Traits.unpacked(traits.packed()) == traits


def test_a_record_of_some_fields_leaves_the_others() -> None:
    """What a change does not speak of stays as it was."""
    after = person().after({"phones": ["+442071838750"]})
    assert after == person(phones=["+442071838750"])


@pytest.fixture
def index(codec: Codec) -> Index:
    """An empty index."""
    rows = Rows(TENANT, MemoryState(), codec)
    return Index(rows.blocks, rows.links)


def test_the_index_follows_a_record(index: Index) -> None:
    """A record is found by what it is now, not by what it was, and not at all once it is gone."""
    index.put("r", person())
    assert index.candidates("s", person()) == [("r", person())]
    assert index.candidates("r", person()) == []
    other = person(given_name="Carlos", family_name="Diaz", company_name="Globex", emails=["x@y.example"], phones=[])
    index.put("r", other)
    assert index.candidates("s", person()) == []
    assert index.candidates("s", other) == [("r", other)]
    index.drop("r")
    assert index.candidates("s", other) == []


def test_who_stands_under_former_keys_is_found_again_with_its_next_news(codec: Codec) -> None:
    """A release may have other keys than the one before: what changed then stands under all of them."""
    rows = Rows(TENANT, MemoryState(), codec)
    rows.links.set(Link(traits=person().packed(), keyed=VERSION - 1), "r")
    index = Index(rows.blocks, rows.links)
    assert index.candidates("s", person()) == []
    index.put("r", person(phones=[]))
    assert index.candidates("s", person(emails=[])) == [("r", person(phones=[]))]


def test_a_key_of_too_many_is_given_up(index: Index) -> None:
    """What a crowd shares tells nothing and costs no more than one small row; other keys still serve."""
    for number in range(BUCKET + 1):
        index.put(str(number), person(emails=[f"somebody{chr(97 + number % 26)}{number // 26}@x.example"], phones=[]))
    assert index.candidates("s", person(emails=[], phones=[])) == []
    assert index.candidates("s", person(emails=["somebodyb0@x.example"]))[0][0] == "1"


@pytest.mark.parametrize(("place", "compared"), [(None, 2), ({"region": "CA", "country": "US"}, CANDIDATES)])
def test_who_shares_most_is_compared(index: Index, place: dict[str, str] | None, compared: int) -> None:
    """Who has most keys in common comes first, then the rarest; only one that many have is no reason to compare."""
    crowd = [
        person(given_name=f"A{chr(97 + n)}y", emails=[f"other{n}@x.example"], phones=[], billing_address=place)
        for n in range(CANDIDATES + 2)
    ]
    for n, one in enumerate(crowd):
        index.put(f"crowd{n}", one)
    index.put("phone", person(given_name="Zoe", family_name="Quinn", company_name=None, emails=[]))
    index.put("ann", person(phones=[], billing_address=place))
    found = [name for name, _ in index.candidates("s", person(billing_address=place))]
    assert found[0] == "ann"
    assert ("phone" in found) == (place is None)
    assert len(found) == compared


def test_a_mailbox_is_a_reason_however_many_systems_know_it(index: Index) -> None:
    """One person is many records: that many have a mailbox does not make it a crowd's."""
    for number in range(6):
        index.put(str(number), person())
    assert len(index.candidates("s", person(given_name="Max", family_name="Born", company_name=None, phones=[]))) == 6


@pytest.mark.parametrize(
    ("more", "compared"),
    [
        ({}, False),
        ({"emails": ["ann123456@one.example"]}, True),
        ({"given_name": "Alan"}, True),
        ({"family_name": "Alder"}, True),
        ({"family_name": "Long"}, True),
        ({"given_name": None, "family_name": None}, True),
        ({"company_name": "Atlas"}, True),
    ],
)
def test_what_mailboxes_share_by_chance_is_no_reason(index: Index, more: dict[str, Any], compared: bool) -> None:
    """The same digits are one when the address is the same, or an initial of name or company."""
    index.put("r", person(emails=["ann123456@one.example"], phones=[]))
    other: dict[str, Any] = {"given_name": "Max", "family_name": "Born", "company_name": "Globex", "phones": []}
    found = index.candidates("s", person(**{**other, "emails": ["max123456@two.example"], **more}))
    assert bool(found) == compared


def test_a_mark_follows_its_record(index: Index) -> None:
    """Who is called otherwise now is compared with who is called like that, though the mailbox led to both before."""
    index.put("r", person(emails=["ann123456@one.example"], phones=[]))
    index.put("r", person(given_name="Zoe", family_name="Quinn", emails=["ann123456@one.example"], phones=[]))
    other = {"company_name": None, "emails": ["z123456@two.example"], "phones": []}
    assert index.candidates("s", person(given_name="Zara", family_name="Quick", **other))
    assert not index.candidates("s", person(given_name="Abe", family_name="Lund", **other))


def test_two_addresses_with_one_key_leave_no_mark(index: Index) -> None:
    """Either may be somebody else's as well."""
    index.put("r", person(emails=["annabelle@one.example", "annabelle@two.example"], phones=[]))
    for email in ("annabelle@one.example", "annabelle@two.example"):
        other = person(given_name="Max", family_name="Born", company_name="Globex", emails=[email], phones=[])
        assert index.candidates("s", other)


FEW = st.sampled_from(["", "ann", "anna", "bob", "lee", "smith 12", "smith 13", "acme", "acme tools", "globex"])


@st.composite
def someone(draw: st.DrawFn) -> Traits:
    """Draw a person or an organisation with few values, so that they often agree."""
    address = {"line1": draw(FEW), "city": draw(FEW), "region": draw(FEW), "postal_code": None, "country": draw(FEW)}
    emails = draw(st.lists(st.sampled_from(["ann.lee@a.example", "ann.lee@b.example", "bob@a.example"]), max_size=1))
    phones = draw(st.lists(st.sampled_from(["+14155552671", "+14155552678", "+442071838750"]), max_size=1))
    names = {"given_name": draw(FEW), "family_name": draw(FEW), "company_name": draw(FEW), "name": draw(FEW)}
    kind = draw(st.sampled_from(["PERSON", "ORGANISATION"]))
    found = Traits.of({"kind": kind, **names, "emails": emails, "phones": phones, "billing_address": address})
    assert found is not None
    return found


@given(someone(), someone())
def test_who_is_let_go_early_would_not_have_been_meant(mine: Traits, other: Traits) -> None:
    """Leaving company and place aside where they cannot help changes no verdict."""
    early = compare(mine, other)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(score, "_hopeless", lambda *_: False)
        full = compare(mine, other)
    assert early.names_agree == full.names_agree
    if early != full:
        assert full.total < REVIEW
        assert not full.shared
        assert not early.shared
        assert early.total < REVIEW


def test_who_only_counts_up_is_not_even_asked_about() -> None:
    """Made-up people with numbers in their names share street, number and company, and are still as many."""
    address = {"line1": "12 Oak St", "city": "Springfield", "region": "IL", "postal_code": "62701", "country": "US"}
    first = person(family_name="Lee 12", emails=["ann.lee12@acme.example"], billing_address=address)
    second = person(family_name="Lee 9012", emails=["ann.lee9012@acme.example"], billing_address=address)
    assert judge(first, [("r", second)], lambda _: "P").band is Band.NEW
