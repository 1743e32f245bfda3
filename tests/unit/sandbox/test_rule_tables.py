"""The sandboxes' README names every rule that is served and the test that shows it: the tests must exist."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from connectors.sandbox.vendors import VENDORS

ROOT = Path(__file__).parents[3]
README = ROOT / "connectors" / "sandbox" / "README.md"
SHOWN_BY = re.compile(r"`([\w./-]+\.py)::(\w+)(?:\[[^`]*\])?`")


def rules() -> Iterator[tuple[int, str, str, str]]:
    """Yield line number, vendor, rule and what shows it, of each row of the table that begins with `| vendor`."""
    within = False
    for number, row in enumerate(README.read_text().splitlines(), start=1):
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
        if not row.startswith("|"):
            within = False
        elif cells[0] == "vendor":
            within = True
        elif within and not set(cells[0]) <= {"-", ":"}:
            yield number, cells[0].lower(), cells[1], cells[2]


@cache
def functions(path: Path) -> frozenset[str]:
    """Return the names of the tests in a file."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds))


@pytest.mark.parametrize("vendor", ["all", *sorted(VENDORS)])
def test_every_rule_names_tests_that_exist(vendor: str) -> None:
    """A row without a test, or with one that is not there, is a promise nobody keeps; no vendor is without rows."""
    wrong, rows = [], 0
    for number, name, rule, shown in rules():
        if name != vendor:
            continue
        rows += 1
        named = SHOWN_BY.findall(shown)
        there = [(file, test) for file, test in named if (ROOT / file).is_file() and test in functions(ROOT / file)]
        if not named or there != named:
            missing = ", ".join("::".join(each) for each in named if each not in there)
            wrong.append(f"line {number}, {rule}: {missing or 'names no `path::test`'}")
    assert rows
    assert not wrong, "\n".join(wrong)


def test_there_is_one_table() -> None:
    """A vendor's own README has no second one, and no rule stands twice."""
    others = [path for path in README.parent.glob("*/README.md") if re.search(r"(?m)^\| *[Rr]ule", path.read_text())]
    assert not others
    counted = Counter((vendor, rule) for _, vendor, rule, _ in rules())
    assert [rule for rule, times in counted.items() if times > 1] == []
