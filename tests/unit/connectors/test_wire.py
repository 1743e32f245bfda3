import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from connectors.wire import dumps, iso_micros, loads, parse_instant, scrub


@pytest.mark.parametrize("text", ["100.00", "33.3333333", "0.1", "-5.50", "12345678901234567890.12"])
def test_numbers_keep_every_digit(text: str) -> None:
    """A number with a fraction comes in as Decimal and goes out as it was sent."""
    assert loads(text) == Decimal(text)
    assert dumps(loads(text)).decode() == text


def test_whole_numbers_stay_whole() -> None:
    """An integer is an int, and a Decimal without fraction is written as one."""
    assert loads("[1, true, null]") == [1, True, None]
    assert dumps([Decimal(7), Decimal("1E+2")]) == b"[7,100]"


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text() | st.decimals(allow_nan=False, allow_infinity=False),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=20,
    )
)
def test_what_is_written_reads_back(value: Any) -> None:
    """Any JSON value survives writing and reading."""
    assert loads(dumps(value)) == value


def test_floats_are_refused() -> None:
    """Money must not pass through binary fractions unnoticed."""
    with pytest.raises(TypeError, match="float"):
        dumps({"Amount": 0.1})


def test_lenient_where_vendors_are() -> None:
    """A byte order mark, a raw newline and half a character in a string are read; NaN is not a number."""
    assert loads(b'\xef\xbb\xbf{"a": "x\ny"}') == {"a": "x\ny"}
    assert dumps(date(2026, 1, 31)) == b'"2026-01-31"'
    assert loads(rb'{"\ud83d": ["caf\u00e9 \ude00", "\ud83d\ude00"]}') == {"\ufffd": ["café \ufffd", "\U0001f600"]}
    with pytest.raises(ValueError, match="NaN"):
        loads("NaN")
    with pytest.raises(ValueError, match="nested too deep"):
        loads("[" * 100_000)


@pytest.mark.parametrize("text", ["1e999999999", "[-1.5E-999999999]", "0e-99999", "1." + "1" * 2000, "1e" + "9" * 40])
def test_a_number_that_would_fill_the_memory_is_refused(text: str) -> None:
    """A few characters must not become a gigabyte where they are written out again."""
    with pytest.raises(ValueError, match="more than 1000 digits"):
        loads(text)


@given(st.text(alphabet='[]{}",:0123456789.eE+-tfnul\\/ \n\x01\ufeffé', max_size=16))
def test_reads_what_the_lenient_reader_reads(text: str) -> None:
    """The fast reader takes no text otherwise than the lenient one does, which has the last word on all it refuses."""
    assume(re.search(r"[eE][+-]?\d{3}", text) is None)
    lenient = json.JSONDecoder(parse_float=Decimal, strict=False)
    try:
        expected = lenient.decode(text)
    except ValueError:
        with pytest.raises(ValueError, match=r"char|JSON"):
            loads(text)
    else:
        assert repr(loads(text)) == repr(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("1E+2", "100"), ("1E-7", "0.0000001"), ("-0", "0"), ("-0.00", "-0.00"), ("0E-10", "0.0000000000")],
)
def test_numbers_are_written_without_exponents(text: str, expected: str) -> None:
    """However a number is held, it is written in plain digits."""
    assert dumps(Decimal(text)).decode() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2015-10-05T14:42:19-0700", "2015-10-05T21:42:19.000000Z"),
        ("2025-09-10T21:31:25.179851517Z", "2025-09-10T21:31:25.179851Z"),
        ("2026-01-01T00:00:00.000+0000", "2026-01-01T00:00:00.000000Z"),
        ("2026-01-01T00:00:00+05:30", "2025-12-31T18:30:00.000000Z"),
        ("2026-01-01T00:00:00.5Z", "2026-01-01T00:00:00.500000Z"),
    ],
)
def test_instants_of_every_vendor_become_one_form(text: str, expected: str) -> None:
    """Offsets and fractions of any kind become UTC with micros."""
    assert iso_micros(parse_instant(text)) == expected


@pytest.mark.parametrize("text", ["2026-01-01", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z", "", "now"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    """A date, a local time or nonsense is an error."""
    with pytest.raises(ValueError, match=r"instant|2026"):
        parse_instant(text)


@given(st.lists(st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)), min_size=2))  # noqa: DTZ001 (strategy bound)
def test_text_order_is_time_order(instants: list[datetime]) -> None:
    """Versions may be compared as text."""
    assert sorted(map(iso_micros, instants)) == list(map(iso_micros, sorted(instants)))


def test_messages_carry_no_person() -> None:
    """E-mail addresses and supplied values are taken out, long texts cut."""
    assert scrub("Bad address ada@example.com here") == "Bad address <e-mail> here"
    assert scrub("Id should be a number. Supplied value:Ada") == "Id should be a number. "
    assert len(scrub("x" * 1000)) == 200
