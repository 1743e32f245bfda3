"""Reading one connection's settings; a wrong one is a FatalError that names tenant, vendor and setting."""

from datetime import datetime
from typing import TypeVar

from connectors.errors import FatalError
from connectors.ports import Account
from connectors.wire import parse_instant

T = TypeVar("T", bound=str)


def where(account: Account) -> str:
    """Name the connection at the head of a message."""
    return f"tenant {account.tenant}, {account.vendor}"


def text(account: Account, name: str, default: str) -> str:
    """Return a setting, or the default where it is absent or empty."""
    return account.settings.get(name, "").strip() or default


def required(account: Account, name: str) -> str:
    """Return a setting that has no default.

    Raises:
        FatalError: it is absent or empty.
    """
    value = text(account, name, "")
    if not value:
        raise FatalError(f"{where(account)}: setting {name} is missing; add it to the connection")
    return value


def number(account: Account, name: str, default: float, *, minimum: float = 0) -> float:
    """Return a number of at least `minimum`.

    Raises:
        FatalError: not a number, or too small.
    """
    value = text(account, name, str(default))
    try:
        result = float(value)
    except ValueError:
        result = float("nan")
    if not minimum <= result < float("inf"):
        raise FatalError(f"{where(account)}: setting {name} is {value!r}; it must be a number of at least {minimum:g}")
    return result


def names(account: Account, name: str, default: str = "") -> tuple[str, ...]:
    """Return a comma separated list, without blanks and empty entries."""
    return tuple(part.strip() for part in text(account, name, default).split(",") if part.strip())


def instant(account: Account, name: str) -> datetime | None:
    """Return an instant, or None where it is absent.

    Raises:
        FatalError: not an instant with an offset.
    """
    value = text(account, name, "")
    if not value:
        return None
    try:
        return parse_instant(value)
    except ValueError as error:
        raise FatalError(f"{where(account)}: setting {name}: {error}") from None


def choice(account: Account, name: str, allowed: tuple[T, ...]) -> T:
    """Return one of `allowed`; the first is the default.

    Raises:
        FatalError: something else.
    """
    value = text(account, name, allowed[0])
    for known in allowed:
        if known == value:
            return known
    raise FatalError(f"{where(account)}: setting {name} is {value!r}; it must be one of {', '.join(allowed)}")
