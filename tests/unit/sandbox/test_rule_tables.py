"""Every sandbox's README names the rules it serves and the test that shows each: the tests must exist."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
TABLES = sorted((ROOT / "connectors" / "sandbox").glob("*/README.md"))
SHOWN_BY = re.compile(r"`([\w./-]*)::(\w+)(?:\[[^`]*\])?`")
USUAL = re.compile(r"[Tt]ests (?:are )?in\s+`([\w./-]+\.py)`")
SHORT = re.compile(r"`(\w+)`\s+(?:is|for)\s+`([\w./-]+\.py)`")


def rules(readme: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line number, rule and what shows it, of each row of the tables that begin with `| rule`."""
    within = False
    for number, row in enumerate(readme.read_text().splitlines(), start=1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        if not row.startswith("|"):
            within = False
        elif cells[0].lower().startswith("rule"):
            within = True
        elif within and not set(cells[0]) <= {"-", ":"}:
            yield number, cells[0], cells[-1]


@cache
def functions(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds))


def names(text: str) -> dict[str, str]:
    """Return the files that a README abbreviates: nothing for "Tests in `path`", a name for "`name` is `path`"."""
    usual = USUAL.search(text)
    return {**({"": usual[1]} if usual else {}), **dict(SHORT.findall(text))}


@pytest.mark.parametrize("readme", TABLES, ids=lambda path: path.parent.name)
def test_every_rule_names_tests_that_exist(readme: Path) -> None:
    """A row without a test, or with one that is not there, is a promise nobody keeps."""
    wrong = []
    short = names(readme.read_text())
    for number, rule, shown in rules(readme):
        named = [(short.get(file, file), test) for file, test in SHOWN_BY.findall(shown)]
        missing = [
            f"{file}::{test}"
            for file, test in named
            if not (ROOT / file).is_file() or test not in functions(ROOT / file)
        ]
        if missing or not named:
            wrong.append(f"line {number}, {rule}: {', '.join(missing) or 'names no `path::test`'}")
    assert not wrong, "\n".join(wrong)


def test_the_tables_are_read() -> None:
    """At least one sandbox has a table, and its rows are found."""
    assert any(list(rules(readme)) for readme in TABLES)
