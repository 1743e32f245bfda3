"""Values: what a caller may send, how it is kept, and how it is shown.

Instants are kept as UTC text to the second, which sorts, and shown in the API user's zone.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from connectors.sandbox.pardot.errors import BAD_BOOLEAN, BAD_EMAIL, BAD_TYPE, PardotError
from connectors.sandbox.pardot.objects import DATE, EMAIL, FLAG, INT, LIST, NUMBER, TIME

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_LONGEST_EMAIL = 255


def kept(name: str, kind: str, value: object) -> Any:
    """Turn a JSON value into the kept one; raises BAD_EMAIL, BAD_BOOLEAN or BAD_TYPE, naming the field."""
    if value is None or value == "":
        return None
    return _KEPT.get(kind, _text)(name, value)


def _text(name: str, value: object) -> str:
    if isinstance(value, bool | dict | list):
        raise PardotError(BAD_TYPE, f"{name}: must be text, not {value!r}")
    return str(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise PardotError(BAD_BOOLEAN, f"{name}: must be true or false, not {value!r}")
    return value


def told(kind: str, text: str) -> object:
    """Turn a CSV file's text into the JSON value that it stands for."""
    if kind == FLAG:
        return {"true": True, "1": True, "false": False, "0": False, "": None}.get(text.strip().lower(), text)
    return text.strip()


def _email(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST_EMAIL or not _EMAIL.fullmatch(value):
        raise PardotError(BAD_EMAIL, f"{name}: invalid prospect email address: {value}")
    return value


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise PardotError(BAD_TYPE, f"{name}: must be a whole number, not {value!r}")
    try:
        return int(value)
    except ValueError:
        raise PardotError(BAD_TYPE, f"{name}: must be a whole number, not {value!r}") from None


def _number(name: str, value: object) -> Decimal:
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite():
        raise PardotError(BAD_TYPE, f"{name}: must be a number, not {value!r}")
    return number


def _items(name: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise PardotError(BAD_TYPE, f"{name}: must be a list, not {value!r}")
    return value


def _date(name: str, value: object) -> str:
    try:
        return date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise PardotError(BAD_TYPE, f"{name}: must be a date like 2026-01-31, not {value!r}") from None


def instant(name: str, text: str) -> str:
    """Parse `YYYY-MM-DDTHH:MM:SS±HH:MM`; raises BAD_TYPE."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = datetime.min  # noqa: DTZ901 - naive on purpose: refused below
    if moment.tzinfo is None:
        raise PardotError(
            BAD_TYPE, f"{name}: must be a time with an offset like 2026-01-31T09:00:00+00:00, not {text!r}"
        )
    return written(moment)


def written(moment: datetime) -> str:
    """An instant as it is kept."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def shown(kind: str, value: Any, zone: tzinfo) -> Any:
    """A kept value as callers see it."""
    if kind == FLAG:
        return bool(value)
    if kind == TIME and value is not None:
        return datetime.fromisoformat(value).astimezone(zone).isoformat(timespec="seconds")
    return value


_KEPT: Mapping[str, Callable[[str, Any], Any]] = {
    EMAIL: _email,
    FLAG: _flag,
    TIME: lambda name, value: instant(name, str(value)),
    DATE: _date,
    INT: _whole,
    NUMBER: _number,
    LIST: _items,
}
