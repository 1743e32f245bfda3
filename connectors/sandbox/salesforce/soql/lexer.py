"""SOQL text to tokens."""

import re
from dataclasses import dataclass

from connectors.sandbox.salesforce.soql.syntax import fault

_PATTERN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))
  | (?P<date>\d{4}-\d\d-\d\d)
  | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[+-]?\.\d+)
  | (?P<period>[A-Za-z_]+:\d+)
  | (?P<name>[A-Za-z]\w*(?:\.[A-Za-z]\w*)*)
  | (?P<string>'(?:\\.|[^'\\])*')
  | (?P<symbol><=|>=|!=|<>|[=<>(),])
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the query; `kind` is the pattern's group, or `end`."""

    kind: str
    text: str
    at: int

    def is_word(self, *words: str) -> bool:
        """Whether this is one of the keywords."""
        return self.kind == "name" and self.text.upper() in words


def tokens(text: str) -> list[Token]:
    """Split a query; raises MALFORMED_QUERY at what is no token."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _PATTERN.match(text, at)
        if match is None:
            raise fault("MALFORMED_QUERY", text, at, f"unexpected token: '{text[at : at + 20]}'")
        kind = match.lastgroup or ""
        if kind != "space":
            found.append(Token(kind, match.group(), at))
        at = match.end()
    found.append(Token("end", "<EOF>", len(text)))
    return found
