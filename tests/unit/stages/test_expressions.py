"""What the expression engine does to the process that hosts it."""

import sys

import pytest

from streams.stages.mapping import expressions, paths

VALUES = {"source": {"empty": None, "items": [None, {"empty": None}], "map": {"empty": None}}}
TREES = {"source": paths.declare(VALUES["source"])}


@pytest.mark.parametrize("text", ["source.empty", "source.items", "source.map", "text(source.empty)"])
def test_nulls_do_not_use_up_pythons_none(text: str) -> None:
    """However many nulls a worker reads, None keeps its references; before Python 3.12 it would else die of it."""
    scope = expressions.Scope(VALUES, TREES)
    expression = expressions.compiled(text, TREES)
    before = sys.getrefcount(None)
    for _ in range(1000):
        expression.by_engine(scope)
    assert sys.getrefcount(None) > before - 500
