"""Exact arithmetic on amounts: decimals only, rounded half up to the currency's digits."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

CONTEXT = Context(prec=50, rounding=ROUND_HALF_UP)
"""One context for all, so that no thread's own setting changes a result."""

DIGITS: Mapping[str, int] = dict.fromkeys(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ),
    0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)
"""Digits after the point where they are not two (ISO 4217, list one)."""
MINOR: Mapping[str, int] = {"ISK": 2, "UGX": 2, "MGA": 0}
"""Where payment platforms count other smallest units than ISO 4217 has (docs.stripe.com, "Supported currencies")."""


_EXACT = frozenset({str, int, Decimal})


def decimal(value: str | int | Decimal) -> Decimal:
    """Return the number that a text, an integer or a decimal stands for.

    Raises:
        ValueError: it is none, or not finite; floating point is refused, as it has lost digits already.
    """
    if value.__class__ not in _EXACT and (isinstance(value, bool) or not isinstance(value, str | int | Decimal)):
        raise ValueError(f"{type(value).__name__} is no exact number; use a text or an integer")
    try:
        number = Decimal(value.strip()) if isinstance(value, str) else Decimal(value)
    except InvalidOperation:
        raise ValueError("the text is not a number") from None
    if not number.is_finite():
        raise ValueError("the number is not finite")
    return number


def rounded(value: Decimal, currency: str) -> Decimal:
    """Return `value` rounded half up to the digits of `currency`."""
    return CONTEXT.quantize(value, Decimal(1).scaleb(-DIGITS.get(currency, 2)))


def placed(value: Decimal, digits: int) -> Decimal:
    """Return `value` rounded half up to so many digits after the point."""
    return CONTEXT.quantize(value, Decimal(1).scaleb(-digits))


def from_minor(value: Decimal, currency: str) -> Decimal:
    """Return an amount that payment platforms state as a whole number of the currency's smallest unit."""
    return CONTEXT.scaleb(value, -MINOR.get(currency, DIGITS.get(currency, 2)))


def times(a: Decimal, b: Decimal) -> Decimal:
    """Return the product."""
    return CONTEXT.multiply(a, b)


def text(value: Decimal) -> str:
    """Return the shortest plain text of a number: one text per value, whatever scale it was stored with."""
    if not value:
        return "0"
    short = CONTEXT.normalize(value)
    written = str(short)
    return format(short, "f") if "E" in written else written
