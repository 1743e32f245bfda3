"""Literal values: strings with escapes, LIKE patterns, instants, and date literals as ranges of days."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal

from connectors.sandbox.salesforce.fields import moment_of, stamp
from connectors.sandbox.salesforce.soql.lexer import Token
from connectors.sandbox.salesforce.soql.syntax import Literal, fault

_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f", '"': '"', "'": "'", "\\": "\\", "_": "_", "%": "%"}
_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})|\\(.)", re.DOTALL)
_WORDS = {"TRUE": ("boolean", True), "FALSE": ("boolean", False), "NULL": ("null", None)}
_DAYS = {"TODAY": (0, 1), "YESTERDAY": (-1, 0), "TOMORROW": (1, 2)}
_COUNTED = frozenset({"LAST_N_DAYS", "NEXT_N_DAYS"})
# "Character string values in the WHERE clause" (SOQL limits).
_LONGEST_STRING = 4_000


def literal(text: str, token: Token) -> Literal:
    """Turn a token into a value; raises MALFORMED_QUERY or INVALID_QUERY_FILTER_OPERATOR's kin at the token."""
    if token.kind == "name" and token.text.upper() in _WORDS:
        kind, value = _WORDS[token.text.upper()]
        return Literal(kind, value, token.at)
    if token.kind == "name" and token.text.upper() in _DAYS:
        return Literal("period", (token.text.upper(), 0), token.at)
    if token.kind == "period":
        name, count = token.text.upper().split(":")
        if name in _COUNTED:
            return Literal("period", (name, int(count)), token.at)
    if token.kind == "number":
        return Literal("number", Decimal(token.text), token.at)
    if token.kind == "string":
        return Literal("string", _string(text, token), token.at)
    if token.kind in {"date", "datetime"}:
        return Literal(token.kind, _when(text, token), token.at)
    raise fault("MALFORMED_QUERY", text, token.at, f"unexpected token: '{token.text}'")


def _string(text: str, token: Token) -> str:
    body = token.text[1:-1]
    if len(body) > _LONGEST_STRING:
        raise fault("MALFORMED_QUERY", text, token.at, f"string literal longer than {_LONGEST_STRING} characters")
    for match in _ESCAPED.finditer(body):
        if match.group(2) and match.group(2) not in _ESCAPES:
            message = f"Illegal character sequence '{match.group()}' in the string literal"
            raise fault("MALFORMED_QUERY", text, token.at, message)
    return body


def _when(text: str, token: Token) -> str:
    try:
        if token.kind == "date":
            return date.fromisoformat(token.text).isoformat()
        return stamp(moment_of(token.text))
    except ValueError:
        raise fault("MALFORMED_QUERY", text, token.at, f"Invalid date: {token.text}") from None


def plain(body: str) -> str:
    """Resolve a string's escapes."""
    return _ESCAPED.sub(lambda m: chr(int(m.group(1), 16)) if m.group(1) else _ESCAPES[m.group(2)], body)


def like(body: str) -> re.Pattern[str]:
    """Return the pattern of LIKE: % any text, _ one character, both literal after a backslash; case is ignored."""
    pattern = ""
    at = 0
    while at < len(body):
        escape = _ESCAPED.match(body, at)
        if escape:
            pattern += re.escape(plain(escape.group()))
            at = escape.end()
            continue
        pattern += {"%": ".*", "_": "."}.get(body[at], re.escape(body[at]))
        at += 1
    return re.compile(pattern, re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Today:
    """The day that date literals count from: the user's, not UTC's."""

    now: datetime
    zone: tzinfo

    def period(self, name: str, count: int) -> tuple[date, date]:
        """Return the first day of a period and the day after its last."""
        today = self.now.astimezone(self.zone).date()
        if name == "LAST_N_DAYS":
            first, after = -count, 1
        elif name == "NEXT_N_DAYS":
            first, after = 1, count + 1
        else:
            first, after = _DAYS[name]
        return today + timedelta(days=first), today + timedelta(days=after)

    def bounds(self, name: str, count: int, *, as_date: bool) -> tuple[str, str]:
        """Return the period's bounds in the stored form of dates or of instants."""
        first, after = self.period(name, count)
        if as_date:
            return first.isoformat(), after.isoformat()
        return self._midnight(first), self._midnight(after)

    def _midnight(self, day: date) -> str:
        return stamp(datetime(day.year, day.month, day.day, tzinfo=self.zone).astimezone(UTC))
