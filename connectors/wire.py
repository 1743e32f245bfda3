"""How values look on the wire: JSON with exact decimals, instants as text, vendor messages without personal data."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Clamped, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow
from typing import Any

import msgspec

_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)\s?(Z|[+-]\d{2}:?\d{2})", re.ASCII | re.IGNORECASE
)
_EMAIL = re.compile(r"[^\s@<>\"'(),;:]+@[^\s@<>\"'(),;:]+")
_SUPPLIED = re.compile(r"(?i)\bsupplied\b.*", re.DOTALL)
_MESSAGE_LENGTH = 200


def loads(text: bytes | str) -> Any:
    """Parse JSON; a number with a fraction or exponent becomes a Decimal with the digits as sent.

    Lenient where vendors are: a byte order mark and control characters inside strings are accepted. Half a surrogate
    pair, left of a character that was cut in two, becomes U+FFFD: UTF-8 has no form for it.

    Raises:
        ValueError: not JSON, NaN and its kind, nested too deep, or a number that would fill the memory when written.
    """
    try:
        return _STRICT.decode(text)
    except (msgspec.DecodeError, ValueError, RecursionError, DecimalException):
        # Rare: what only the lenient one takes, and what is none at all, which it says better.
        return _lenient(text.decode("utf-8-sig") if isinstance(text, bytes) else text)


def _lenient(text: str) -> Any:
    try:
        return _without_halves(_LENIENT.decode(text))
    except RecursionError:
        raise ValueError("is nested too deep") from None
    except DecimalException:
        raise ValueError(f"has a number of more than {_DIGITS} digits") from None


def _without_halves(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, dict):
        return {_without_halves(key): _without_halves(item) for key, item in value.items()}
    return [_without_halves(item) for item in value] if isinstance(value, list) else value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


_DIGITS = 1000
_DECIMAL = Context(
    _DIGITS, Emin=-_DIGITS, Emax=_DIGITS, traps=[Clamped, Inexact, InvalidOperation, Overflow, Underflow]
).create_decimal
"""`Decimal`, but `1e999999999` is an error: written out, it would have that many digits."""
_STRICT = msgspec.json.Decoder(float_hook=_DECIMAL)
_LENIENT = json.JSONDecoder(parse_float=_DECIMAL, parse_constant=_no_constant, strict=False)
_WRITTEN = msgspec.json.Encoder().encode
_AS_IT_IS = frozenset({str, int, bool, type(None)})


def dumps(value: Any) -> bytes:
    """Write JSON as UTF-8; a Decimal becomes a number with all its digits, which `json` alone cannot do.

    Raises:
        TypeError: a value JSON has no form for; floats are refused, as money must not pass through them.
    """
    return _WRITTEN(_form(value))


def _form(value: Any) -> Any:
    """Return the value in types whose form the encoder knows as well as we do."""
    kind = value.__class__
    if kind in _AS_IT_IS:
        return value
    if kind is dict:
        return {name if name.__class__ is str else str(name): _form(part) for name, part in value.items()}
    if kind is list:
        return [_form(part) for part in value]
    if isinstance(value, Decimal):
        return msgspec.Raw(_number(value).encode())
    if isinstance(value, str | int):
        return str.__str__(value) if isinstance(value, str) else int(value)
    if isinstance(value, Mapping):
        return _form(dict(value))
    if isinstance(value, Sequence) and not isinstance(value, bytes | bytearray):
        return [_form(part) for part in value]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"a {type(value).__name__} has no JSON form here; use Decimal, str, int, bool, None, list or dict")


def _number(value: Decimal) -> str:
    text = str(value)
    if "E" not in text and text != "-0" and value.is_finite():
        return text
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
    day, time, zone = match.groups()
    try:
        return datetime.fromisoformat(f"{day}T{time}{zone.upper()}").astimezone(UTC)
    except ValueError as error:
        raise ValueError(f"{text!r} is no instant: {error}") from None


def iso_micros(instant: datetime) -> str:
    """Write an instant as `2026-01-31T12:00:00.000000Z`: fixed width, so that text order is time order."""
    text = _WRITTEN(instant.astimezone(UTC)).decode()
    return text[1:-1] if instant.microsecond else f"{text[1:-2]}.000000Z"


def scrub(text: str) -> str:
    """Shorten a vendor's message and take out what may be a person's: e-mail addresses and supplied values."""
    text = _EMAIL.sub("<e-mail>", _SUPPLIED.sub("", " ".join(text.split())))
    return text if len(text) <= _MESSAGE_LENGTH else text[: _MESSAGE_LENGTH - 1] + "…"
