"""How values look on the wire: JSON with exact decimals, instants as text, vendor messages without personal data."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?\s?(Z|[+-]\d{2}:?\d{2})", re.ASCII | re.IGNORECASE
)
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_SUPPLIED = re.compile(r"(?i)\bsupplied\b.*", re.DOTALL)
_MESSAGE_LENGTH = 200


def loads(text: bytes | str) -> Any:
    """Parse JSON; a number with a fraction or exponent becomes a Decimal with the digits as sent.

    Lenient where vendors are: a byte order mark and control characters inside strings are accepted.

    Raises:
        ValueError: not JSON, or NaN and its kind.
    """
    if isinstance(text, bytes):
        text = text.decode("utf-8-sig")
    return _DECODER.decode(text)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_DECODER = json.JSONDecoder(parse_float=Decimal, parse_constant=_no_constant, strict=False)
_ENCODED = json.JSONEncoder(ensure_ascii=False).encode


def dumps(value: Any) -> bytes:
    """Write JSON as UTF-8; a Decimal becomes a number with all its digits, which `json` alone cannot do.

    Raises:
        TypeError: a value JSON has no form for; floats are refused, as money must not pass through them.
    """
    return _text(value).encode()


def _text(value: Any) -> str:
    if value.__class__ is str:
        return _ENCODED(value)
    if value.__class__ is dict:
        return "{" + ",".join([f"{_ENCODED(str(k))}:{_text(v)}" for k, v in value.items()]) + "}"
    if isinstance(value, Decimal):
        return _number(value)
    if value is None or isinstance(value, bool | int | str):
        return _ENCODED(value)
    if isinstance(value, Mapping):
        return _text(dict(value))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, date) and not isinstance(value, datetime):
        return _ENCODED(value.isoformat())
    raise TypeError(f"a {type(value).__name__} has no JSON form here; use Decimal, str, int, bool, None, list or dict")


def _number(value: Decimal) -> str:
    if not value.is_finite():
        raise TypeError(f"{value} is not a JSON number")
    return format(value, "f") if value.as_tuple().exponent != 0 else str(int(value))


def parse_instant(text: str) -> datetime:
    """Read an instant with its offset (`Z`, `+0000`, `-07:00`) and 0 to 9 fraction digits; the rest is cut to micros.

    Raises:
        ValueError: no such instant, or no offset.
    """
    match = _INSTANT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not an instant with an offset, e.g. 2026-01-31T12:00:00Z")
    day, time, fraction, zone = match.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    try:
        return datetime.fromisoformat(f"{day}T{time}.{micros}{zone.upper()}").astimezone(UTC)
    except ValueError as error:
        raise ValueError(f"{text!r} is no instant: {error}") from None


def iso_micros(instant: datetime) -> str:
    """Write an instant as `2026-01-31T12:00:00.000000Z`: fixed width, so that text order is time order."""
    return instant.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def scrub(text: str) -> str:
    """Shorten a vendor's message and take out what may be a person's: e-mail addresses and supplied values."""
    text = _EMAIL.sub("<e-mail>", _SUPPLIED.sub("", " ".join(text.split())))
    return text if len(text) <= _MESSAGE_LENGTH else text[: _MESSAGE_LENGTH - 1] + "…"
