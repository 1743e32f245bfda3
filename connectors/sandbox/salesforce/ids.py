"""Record ids: 15 case-sensitive base62 characters, and the 18-character form with its case checksum."""

import re

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_CHUNK = 5
_SHORT = 15
_POD_DIGITS = 4
_NUMBER_DIGITS = 8
PODS: int = 62**4


def long_id(short: str) -> str:
    """Return the 18-character form of a 15-character id.

    Each suffix character tells which of five characters are upper case, so that ids survive case-insensitive tools
    (Salesforce object reference, "Working with IDs").
    """
    suffix = ""
    for start in range(0, _SHORT, _CHUNK):
        chunk = short[start : start + _CHUNK]
        suffix += _SUFFIX[sum(1 << k for k, char in enumerate(chunk) if "A" <= char <= "Z")]
    return short + suffix


def canonical_id(text: object) -> str | None:
    """Return the 18-character form of an id given with 15 or 18 characters, or None when it is no id at all."""
    if not isinstance(text, str) or not _SHAPE.fullmatch(text):
        return None
    return long_id(text[:_SHORT])


def make_id(prefix: str, pod: int, number: int) -> str:
    """Return the `number`-th id of an org.

    Args:
        prefix: The object's key prefix, three characters.
        pod: Tells orgs apart (four base62 digits), as the instance does in real ids.
        number: Counts the org's records.
    """
    return long_id(f"{prefix}{base62(pod, _POD_DIGITS)}{base62(number, _NUMBER_DIGITS)}")


def number_of(record_id: str) -> int:
    """Return the number that `make_id` was given."""
    value = 0
    for char in record_id[_SHORT - _NUMBER_DIGITS : _SHORT]:
        value = value * len(_DIGITS) + _DIGITS.index(char)
    return value


def base62(value: int, width: int) -> str:
    """Return `value` in base62, padded with zeros to `width` digits."""
    digits = ""
    while value:
        value, rest = divmod(value, len(_DIGITS))
        digits = _DIGITS[rest] + digits
    return digits.rjust(width, "0")
