"""The query language's grammar: text to `Query`.

Source: developer.intuit.com, "Query operations": one entity, AND only, no OR, NOT, JOIN or GROUP BY.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from connectors.sandbox.quickbooks.fault import QboError

DEFAULT_PAGE, LARGEST_PAGE = 100, 1000
OPERATORS = ("=", "<", ">", "<=", ">=")
TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:\\.|[^'\\])*')|(?P<number>-?\d+(?:\.\d+)?(?![\w.]))|(?P<word>[A-Za-z_][\w.]*)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),*]))"
)
KEYWORDS = frozenset({"where", "and", "order", "orderby", "startposition", "maxresults"})
TODAY = "CURRENT_DATE"

Value = str | Decimal | bool


@dataclass(frozen=True, slots=True)
class Condition:
    """`field op values`; several values only for IN."""

    field: str
    operator: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed statement; `columns` may have `*`, `start` counts from 1."""

    entity: str
    columns: tuple[str, ...] = ("*",)
    count: bool = False
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    """(field, descending)"""
    start: int = 1
    size: int = DEFAULT_PAGE


def parse(statement: str) -> Query:
    """Parse a statement. Raises 4000 where it is not in the language, 4001 where a number is out of range."""
    return _Parser(statement).query()


class _Parser:
    def __init__(self, statement: str) -> None:
        self._tokens = _tokens(statement)
        self._at = 0

    def query(self) -> Query:
        self._keyword("select")
        columns, count = self._projection()
        self._keyword("from")
        entity = self._word("entity name")
        conditions: list[Condition] = []
        order: list[tuple[str, bool]] = []
        paging = {"startposition": 1, "maxresults": DEFAULT_PAGE}
        if self._take("where"):
            conditions.append(self._condition())
            while self._take("and"):
                conditions.append(self._condition())
        if self._take("orderby") or (self._take("order") and self._keyword("by")):
            order.append(self._order())
            while self._take(","):
                order.append(self._order())
        while self._peek() in paging:
            name = self._next().lower()
            paging[name] = self._position(name)
        if self._at < len(self._tokens):
            raise self._unexpected("end of statement")
        start, size = paging["startposition"], paging["maxresults"]
        return Query(entity, columns, count, tuple(conditions), tuple(order), start, size)

    def _projection(self) -> tuple[tuple[str, ...], bool]:
        if self._peek() == "count":
            self._next()
            for sign in ("(", "*", ")"):
                self._keyword(sign)
            return ("*",), True
        columns = [self._column()]
        while self._take(","):
            columns.append(self._column())
        return tuple(columns), False

    def _column(self) -> str:
        return self._next() if self._peek() == "*" else self._word("column")

    def _condition(self) -> Condition:
        field = self._word("property")
        operator = self._next().lower() if self._at < len(self._tokens) else ""
        if operator == "in":
            self._keyword("(")
            values = [self._value()]
            while self._take(","):
                values.append(self._value())
            self._keyword(")")
            return Condition(field, "in", tuple(values))
        if operator not in (*OPERATORS, "like"):
            self._at -= 1
            raise self._unexpected("=, <, >, <=, >=, IN or LIKE")
        return Condition(field, operator, (self._value(),))

    def _value(self) -> Value:
        token = self._next() if self._at < len(self._tokens) else ""
        if token.startswith("'"):
            return re.sub(r"\\(.)", r"\1", token[1:-1])
        if token.lower() in {"true", "false"}:
            return token.lower() == "true"
        if token.upper() == TODAY:
            return TODAY
        if token and token[-1].isdigit() and (token[0].isdigit() or token[0] == "-"):
            return Decimal(token)
        self._at -= 1
        raise self._unexpected("a value")

    def _order(self) -> tuple[str, bool]:
        field = self._word("property")
        descending = self._take("desc")
        if not descending:
            self._take("asc")
        return field, descending

    def _position(self, name: str) -> int:
        token = self._next() if self._at < len(self._tokens) else ""
        if not re.fullmatch(r"-?\d+", token):
            self._at -= 1
            raise self._unexpected("a whole number")
        number = int(token)
        if number < 1:
            raise QboError("4001", f"QueryValidationError: value {number} is too small. Min allowed value is 1")
        if name == "maxresults" and number > LARGEST_PAGE:
            detail = f"QueryValidationError: value {number} is too large. Max allowed value is {LARGEST_PAGE}"
            raise QboError("4001", detail)
        return number

    def _word(self, what: str) -> str:
        token = self._tokens[self._at] if self._at < len(self._tokens) else ""
        if not re.match(r"[A-Za-z_]", token) or token.lower() in KEYWORDS:
            raise self._unexpected(f"a {what}")
        self._at += 1
        return token

    def _keyword(self, word: str) -> bool:
        if not self._take(word):
            raise self._unexpected(word.upper())
        return True

    def _take(self, word: str) -> bool:
        if self._peek() != word:
            return False
        self._at += 1
        return True

    def _peek(self) -> str | None:
        return self._tokens[self._at].lower() if self._at < len(self._tokens) else None

    def _next(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _unexpected(self, wanted: str) -> QboError:
        found = f'"{self._tokens[self._at]}"' if self._at < len(self._tokens) else "<EOF>"
        return QboError("4000", f"QueryParserError: Encountered {found} at word {self._at + 1}. Was expecting {wanted}")


def _tokens(statement: str) -> Sequence[str]:
    tokens: list[str] = []
    place = 0
    text = statement.strip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None:
            raise QboError(
                "4000", f"QueryParserError: Lexical error at column {place + 1}. Encountered: {text[place]!r}"
            )
        tokens.append(match.group().strip())
        place = match.end()
    return tokens
