"""Tokens to a query tree, by recursive descent."""

from connectors.sandbox.salesforce.soql.lexer import Token, tokens
from connectors.sandbox.salesforce.soql.literals import literal
from connectors.sandbox.salesforce.soql.syntax import (
    Aggregate,
    AllOf,
    AnyOf,
    Column,
    Comparison,
    Condition,
    FieldsOf,
    Literal,
    Membership,
    Not,
    Order,
    Path,
    Query,
    Subquery,
    fault,
)

_COMPARISONS = frozenset({"=", "!=", "<>", "<", ">", "<=", ">="})
_AGGREGATES = ("COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX")
_CLAUSES = ("WHERE", "WITH", "GROUP", "HAVING", "ORDER", "LIMIT", "OFFSET", "FOR", "UPDATE", "USING", "ALL")
# "SOQL statements: maximum length" and "OFFSET: maximum rows" of the SOQL and SOSL Reference.
_LONGEST_QUERY = 100_000
_LARGEST_OFFSET = 2_000


def parse(text: str) -> Query:
    """Parse a query.

    Raises:
        ApiError: MALFORMED_QUERY with row, column and the unexpected token; also for clauses that the sandbox
            does not serve (HAVING, WITH, FOR ..., TYPEOF).
    """
    if len(text) > _LONGEST_QUERY:
        raise fault("QUERY_TOO_COMPLICATED", text[:80], 0, f"query longer than {_LONGEST_QUERY} characters")
    parser = _Parser(text)
    query = parser.query()
    parser.expect_end()
    return query


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = tokens(text)
        self._at = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._at += 1
        return token

    def _unexpected(self, token: Token) -> Exception:
        return fault("MALFORMED_QUERY", self._text, token.at, f"unexpected token: '{token.text}'")

    def _word(self, *words: str) -> Token | None:
        return self._take() if self._next.is_word(*words) else None

    def _need_word(self, word: str) -> None:
        if not self._word(word):
            token = self._next
            raise fault("MALFORMED_QUERY", self._text, token.at, f"expecting '{word}', found '{token.text}'")

    def _symbol(self, symbol: str) -> bool:
        if self._next.kind == "symbol" and self._next.text == symbol:
            self._take()
            return True
        return False

    def _need_symbol(self, symbol: str) -> None:
        if not self._symbol(symbol):
            token = self._next
            raise fault("MALFORMED_QUERY", self._text, token.at, f"expecting '{symbol}', found '{token.text}'")

    def expect_end(self) -> None:
        if self._next.kind != "end":
            self._refuse_clause()
            raise self._unexpected(self._next)

    def _refuse_clause(self) -> None:
        token = self._next
        if token.is_word("HAVING", "WITH", "FOR", "UPDATE", "USING", "ALL", "TYPEOF"):
            message = f"unexpected token: '{token.text}' ({token.text.upper()} is not served by this sandbox)"
            raise fault("MALFORMED_QUERY", self._text, token.at, message)

    def query(self) -> Query:
        self._need_word("SELECT")
        columns = self._columns()
        self._need_word("FROM")
        target = self._path()
        self._alias()
        where = self._conditions() if self._word("WHERE") else None
        group = self._group() if self._word("GROUP") else ()
        self._refuse_clause()
        order = self._order() if self._word("ORDER") else ()
        limit = self._count("LIMIT")
        offset = self._count("OFFSET")
        if offset is not None and offset > _LARGEST_OFFSET:
            raise fault(
                "NUMBER_OUTSIDE_VALID_RANGE", self._text, 0, f"maximum SOQL offset allowed is {_LARGEST_OFFSET}"
            )
        return Query(self._text, columns, target, where, group, order, limit, offset or 0)

    def _alias(self) -> None:
        if self._next.kind == "name" and not self._next.is_word(*_CLAUSES):
            raise fault("MALFORMED_QUERY", self._text, self._next.at, "aliases are not served by this sandbox")

    def _columns(self) -> tuple[Column, ...]:
        if self._next.is_word("COUNT") and [token.text for token in self._tokens[self._at + 1 : self._at + 3]] == [
            "(",
            ")",
        ]:
            self._at += 3
            return ()
        columns = [self._column()]
        while self._symbol(","):
            columns.append(self._column())
        return tuple(columns)

    def _column(self) -> Column:
        if self._symbol("("):
            query = self.query()
            self._need_symbol(")")
            return Subquery(query)
        self._refuse_clause()
        path = self._path()
        if not self._symbol("("):
            return path
        if str(path).upper() in _AGGREGATES:
            return self._aggregate(path)
        if str(path).upper() != "FIELDS":
            message = f"unexpected token: '{path}(' (functions are not served by this sandbox)"
            raise fault("MALFORMED_QUERY", self._text, path.at, message)
        group = self._word("ALL", "STANDARD", "CUSTOM")
        if group is None:
            raise self._unexpected(self._next)
        self._need_symbol(")")
        return FieldsOf(group.text.upper(), path.at)

    def _aggregate(self, function: Path) -> Aggregate:
        path = self._path()
        self._need_symbol(")")
        named = self._next.kind == "name" and not self._next.is_word("FROM", "ASC", "DESC", "NULLS", *_CLAUSES)
        return Aggregate(str(function).upper(), path, self._take().text if named else "")

    def _group(self) -> tuple[Path, ...]:
        self._need_word("BY")
        paths = [self._path()]
        while self._symbol(","):
            paths.append(self._path())
        return tuple(paths)

    def _path(self) -> Path:
        token = self._take()
        if token.kind != "name" or token.is_word("FROM", "WHERE", "SELECT"):
            raise self._unexpected(token)
        return Path(tuple(token.text.split(".")), token.at)

    def _conditions(self) -> Condition:
        """AND and OR have no precedence over each other in SOQL: mixing them takes parentheses."""
        parts = [self._negation()]
        joiner = self._next
        if not joiner.is_word("AND", "OR"):
            return parts[0]
        while self._word(joiner.text.upper()):
            parts.append(self._negation())
        if self._next.is_word("AND", "OR"):
            raise self._unexpected(self._next)
        return AllOf(tuple(parts)) if joiner.is_word("AND") else AnyOf(tuple(parts))

    def _negation(self) -> Condition:
        if self._word("NOT"):
            return Not(self._negation())
        if self._symbol("("):
            inner = self._conditions()
            self._need_symbol(")")
            return inner
        return self._test()

    def _test(self) -> Condition:
        path = self._path()
        token = self._take()
        if token.kind == "symbol" and token.text in _COMPARISONS:
            operator = "!=" if token.text == "<>" else token.text
            return Comparison(path, operator, self._literal())
        if token.is_word("LIKE"):
            return Comparison(path, "LIKE", self._literal())
        if token.is_word("NOT"):
            self._need_word("IN")
            return self._membership(path, negated=True)
        if token.is_word("IN"):
            return self._membership(path, negated=False)
        raise self._unexpected(token)

    def _membership(self, path: Path, *, negated: bool) -> Membership:
        self._need_symbol("(")
        values: tuple[Literal, ...] | Query
        if self._next.is_word("SELECT"):
            values = self.query()
        else:
            found = [self._literal()]
            while self._symbol(","):
                found.append(self._literal())
            values = tuple(found)
        self._need_symbol(")")
        return Membership(path, negated, values)

    def _literal(self) -> Literal:
        return literal(self._text, self._take())

    def _order(self) -> tuple[Order, ...]:
        self._need_word("BY")
        keys = [self._order_key()]
        while self._symbol(","):
            keys.append(self._order_key())
        return tuple(keys)

    def _order_key(self) -> Order:
        path: Path | Aggregate = self._path()
        if isinstance(path, Path) and str(path).upper() in _AGGREGATES and self._symbol("("):
            path = self._aggregate(path)
        direction = self._word("ASC", "DESC")
        nulls_last = False
        if self._word("NULLS"):
            place = self._word("FIRST", "LAST")
            if place is None:
                raise self._unexpected(self._next)
            nulls_last = place.is_word("LAST")
        return Order(path, direction is not None and direction.is_word("DESC"), nulls_last)

    def _count(self, word: str) -> int | None:
        if not self._word(word):
            return None
        token = self._take()
        if token.kind != "number" or not token.text.isdigit():
            raise self._unexpected(token)
        return int(token.text)
