"""Record ids."""

import pytest

from connectors.sandbox.salesforce.ids import PODS, base62, canonical_id, long_id, make_id, number_of


@pytest.mark.parametrize(
    ("short", "suffix"),
    [
        ("a01M00000062mPg", "IAI"),
        ("001M000000qfPyS", "IAU"),
        ("AbCdEfGhIjKlMnO", "VKV"),
        ("00Q5f000005bwLF", "EAY"),
        ("0065f00000UloqV", "AAR"),
    ],
)
def test_the_suffix_follows_from_the_case_of_the_characters(short: str, suffix: str) -> None:
    """The 18-character form adds the vendor's three checksum characters."""
    assert long_id(short) == short + suffix


def test_both_lengths_of_an_id_are_the_same_record() -> None:
    """15 and 18 characters give one canonical form; anything else is no id."""
    assert canonical_id("001M000000qfPyS") == canonical_id("001M000000qfPySIAU") == "001M000000qfPySIAU"
    assert canonical_id("001M000000qfPy") is None
    assert canonical_id("001M000000qfPy!") is None
    assert canonical_id(7) is None


def test_made_ids_tell_orgs_and_numbers_apart() -> None:
    """An id is 18 characters, begins with its object's prefix and gives its number back."""
    made = {make_id("006", pod, number) for pod in (0, 1, PODS - 1) for number in (1, 2, 62**4)}
    assert len(made) == 9
    assert len({found.casefold() for found in made}) == 9
    assert {len(found) for found in made} == {18}
    assert number_of(make_id("006", 7, 123_456)) == 123_456
    assert base62(61, 2) == "0z"
