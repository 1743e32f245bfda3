"""Standard forms of e-mail, phone, country, company names, money and dates."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.stages import money, normalise, regions


@pytest.mark.parametrize(
    ("typed", "standard"),
    [(" Ann@ACME.Example ", "Ann@acme.example"), ("not an address", "not an address"), ("a@b", "a@b")],
)
def test_email(typed: str, standard: str) -> None:
    """The domain is lower case, the local part as typed; what is no address stays."""
    assert normalise.email(typed) == standard


@given(
    st.text("aB9_+-.@é !", max_size=8) | st.sampled_from(["a" * 64, "a" * 65]),
    st.lists(st.text("aB9-x", max_size=5) | st.sampled_from(["com", "Test", "local", "xn--a", "b" * 63])).map(".".join),
)
def test_usual_addresses_need_no_library(local: str, domain: str) -> None:
    """What is taken without asking the library is what it says."""
    assert normalise.address(f"{local}@{domain}") == normalise.validated_address(f"{local}@{domain}".strip())


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("Ann@Acme.example", "ann@acme.example"),
        ("Info@acme.example", None),
        ("billing+eu@acme.example", None),
        ("nonsense", None),
    ],
)
def test_email_key(typed: str, key: str | None) -> None:
    """Keys ignore case; desks are no persons."""
    assert normalise.email_key(typed) == key


@pytest.mark.parametrize(
    ("typed", "country", "standard"),
    [
        ("(415) 555-2671", "US", "+14155552671"),
        ("0044 20 7946 0958", "US", "+442079460958"),
        ("555-1234", "US", "555-1234"),
        ("(415) 555-2671", None, "(415) 555-2671"),
        ("+1 415 555 2671 x12", None, "+14155552671;ext=12"),
    ],
)
def test_phone(typed: str, country: str | None, standard: str) -> None:
    """Valid numbers become E.164, others stay as typed."""
    assert normalise.phone(typed, country) == standard


@pytest.mark.parametrize(
    ("typed", "standard", "same"),
    [
        ("(415) 555-2671", "+14155552671", True),
        ("020 7946 0958", "+442079460958", True),
        ("06 1234567", "+39061234567", True),
        ("555-2671", "+14155552671", False),
        ("+14155552671", "+14155552671", False),
        ("(415) 555-2671", "+14155552671;ext=12", False),
        ("1 415 555 2671", "+14155552671", False),
        ("call Ann", "+14155552671", False),
        ("0", "+14155552670", False),
    ],
)
def test_a_number_without_its_country(typed: str, standard: str, *, same: bool) -> None:
    """It is the number in E.164 that is left when the calling code is taken away, with or without the leading zero."""
    assert normalise.is_national(typed, standard) is same


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("usa", "US"),
        ("Deutschland", "DE"),
        ("gb", "GB"),
        ("England", "GB"),
        ("Atlantis", "Atlantis"),
        ("DEU", "DE"),
        ("276", "DE"),
        ("UK", "GB"),
        ("MI", "MI"),
        ("CT", "CT"),
        ("The Netherlands", "NL"),
        ("Turkey", "TR"),
        ("XYZ", "XYZ"),
        ("SUN", "SUN"),
        ("Côte d'Ivoire", "CI"),
        ("Côte d\u2019Ivoire", "CI"),
        ("Hong Kong", "HK"),
        ("Korea, Republic of", "KR"),
        ("Russian Federation", "RU"),
        ("Bosnia and Herzegovina", "BA"),
        ("Saint Lucia", "LC"),
        ("St. Lucia", "LC"),
        ("St. Gallen", "St. Gallen"),
    ],
)
def test_country(typed: str, code: str) -> None:
    """Codes and names become the code; what is unknown stays, former codes of two letters too: states have them."""
    assert normalise.country(typed) == code


@pytest.mark.parametrize(
    ("typed", "country", "standard"),
    [
        ("California", "US", "CA"),
        ("ca", "US", "CA"),
        ("US-CA", "US", "CA"),
        ("Québec", "CA", "QC"),
        ("Victoria", "AU", "VIC"),
        ("Georgia", "GE", "Georgia"),
        ("California", None, "California"),
        (" New  Yorkshire ", "US", "New Yorkshire"),
    ],
)
def test_region(typed: str, country: str | None, standard: str) -> None:
    """Names and codes of one region are one; of other countries, or none, the text stays."""
    assert regions.region(typed, country) == standard


@given(st.text(max_size=20) | st.sampled_from([name for names in regions.NAMES.values() for name in names]))
def test_regions_are_idempotent(typed: str) -> None:
    """The code of a code is itself, in every country."""
    for country in (*regions.NAMES, "DE", None):
        standard = regions.region(typed, country)
        assert regions.region(standard, country) == standard


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The Acme & Sons, Inc.", "ACME and Sons"),
        ("Toyota Co., Ltd.", "toyota"),
        ("Müller GmbH & Co. KG", "MÜLLER"),
        ("A.B.C. Limited", "abc"),
    ],
)
def test_company_key(one: str, other: str) -> None:
    """Spellings of one company share a key."""
    assert normalise.company_key(one) == normalise.company_key(other)


def test_company_key_of_a_name_that_is_all_legal_form() -> None:
    """The last word always stays, so that such names do not fall together."""
    assert normalise.company_key("Company Inc.") == "company"
    assert normalise.company_key(" - ") is None


def test_dates_fall_in_the_companys_zone() -> None:
    """An instant late in the evening UTC is the next day in Tokyo; a date is itself anywhere."""
    assert normalise.day("2026-03-01T20:00:00Z", "Asia/Tokyo").isoformat() == "2026-03-02"
    assert normalise.day("2026-03-01", "Asia/Tokyo").isoformat() == "2026-03-01"


@pytest.mark.parametrize(
    ("value", "currency", "expected"),
    [("1.005", "USD", "1.01"), ("1.5", "JPY", "2"), ("1.0005", "KWD", "1.001"), ("-1.005", "EUR", "-1.01")],
)
def test_amounts_round_half_up_to_the_currencys_digits(value: str, currency: str, expected: str) -> None:
    """Half a cent goes up, in whichever number of digits the currency has."""
    assert money.rounded(Decimal(value), currency) == Decimal(expected)


@given(st.text(max_size=40))
def test_standard_forms_are_idempotent(value: str) -> None:
    """The standard form of a standard form is itself."""
    for standard in (normalise.text, normalise.email, normalise.country, normalise.phone):
        assert standard(standard(value)) == standard(value)
    key = normalise.company_key(value)
    assert key is None or normalise.company_key(key) == key


@given(st.from_regex(r"\+?[0-9 ().-]{6,16}", fullmatch=True), st.sampled_from(["US", "DE", "GB", None]))
def test_phones_are_idempotent(value: str, country: str | None) -> None:
    """A number in standard form is read as the same number, whatever the country."""
    standard = normalise.phone(value, country)
    assert normalise.phone(standard, country) == standard


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**12), max_value=10**12))
def test_numbers_survive_as_text(value: Decimal) -> None:
    """No digit is lost between a decimal and its text."""
    assert money.decimal(money.text(value)) == value


FORMS = ["{}", "({:.3}) {}", "{:.2}-{}", "{:.4} {}", "{:.3}.{}"]


@settings(max_examples=300)
@given(
    st.sampled_from(["US", "CA", "DE", "GB", "FR", "IT", "AU", "JP", "BR", "CO", "FI", "RU", "KZ", "MX", "CN", "XX"]),
    st.from_regex(r"[2-9][0-9]{5,10}|[0-9]{4,14}|415555[0-9]{4}|1?201555[0-9]{4}|176[0-9]{8}", fullmatch=True),
    st.sampled_from(FORMS),
)
def test_plain_national_numbers_are_what_the_library_says(country: str, digits: str, form: str) -> None:
    """The short way for digits and brackets ends where the parser would."""
    places = form.count("{")
    typed = form.format(digits) if places == 1 else form.format(digits, digits[int(form[form.index(".") + 1]) :])
    assert normalise.phone(typed, country) == normalise.parsed_phone(normalise.text(typed), country)


def test_a_usual_number_needs_no_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is much slower."""
    monkeypatch.setattr(normalise, "parsed_phone", None)
    assert normalise.phone("(415) 555-2679", "US") == "+14155552679"
