"""The consumer example minds what consumers must mind."""

import importlib.util
from pathlib import Path
from typing import Any

SPEC = importlib.util.spec_from_file_location("example", Path(__file__).parents[3] / "deploy/examples/consumer.py")
assert SPEC is not None
assert SPEC.loader is not None
example: Any = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(example)


def record(version: int, merged_into: str | None = None) -> dict[str, Any]:
    """What the example reads of a record."""
    return {"version": version, "merged_into": merged_into}


def test_older_and_repeated_versions_are_dropped() -> None:
    """Versions only go up."""
    known: dict[str, Any] = {}
    assert [example.apply(known, "a", record(n)) for n in (2, 1, 2, 3)] == [True, False, False, True]


def test_a_tombstone_forgets() -> None:
    """A second one says nothing new."""
    known = {"a": record(1)}
    assert [example.apply(known, "a", None) for _ in range(2)] == [True, False]
    assert known == {}


def test_changes_merge_into_nothing() -> None:
    """The example follows `canonical.changes.v1` as well, whose records have no such field."""
    assert example.survivor({"a": {"version": 1}}, "a") == "a"


def test_the_loser_of_a_merge_leads_to_the_survivor() -> None:
    """However many merges lie between."""
    known = {"a": record(2, "b"), "b": record(3, "c"), "c": record(1)}
    assert example.survivor(known, "a") == "c"
