"""What every schema file keeps to, whatever it is about."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka import schemas

FOLDER = schemas.folder()
FILES = sorted(FOLDER.rglob("*.avsc"))


def wrong(node: Any, where: str) -> Iterator[str]:
    """Yield what has no `doc`, and enums that an older reader could not read a new symbol of."""
    for branch in node if isinstance(node, list) else ():
        yield from wrong(branch, where)
    if not isinstance(node, dict):
        return
    where = node.get("name", where)
    if "name" in node and not node.get("doc"):
        yield f"{where} has no doc"
    if node["type"] == "enum" and "default" not in node:
        yield f"{where} has no default"
    for field in node.get("fields", ()):
        if not field.get("doc"):
            yield f"{where}.{field['name']} has no doc"
        yield from wrong(field["type"], f"{where}.{field['name']}")
    for name in ("items", "values"):
        yield from wrong(node.get(name), where)
    if isinstance(node["type"], dict | list):
        yield from wrong(node["type"], where)


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(FOLDER)))
def test_every_record_and_field_says_what_it_means(file: Path) -> None:
    """Consumers read the contract alone; a symbol to come must not stop them."""
    assert list(wrong(json.loads(file.read_text()), file.stem)) == []


def test_the_walk_finds_what_is_wrong() -> None:
    """Else its silence would say nothing."""
    kind = {"type": "enum", "name": "K", "symbols": ["A"], "doc": "d"}
    record = {
        "type": "record",
        "name": "R",
        "doc": "d",
        "fields": [{"name": "a", "type": {"type": "array", "items": kind}}],
    }
    assert list(wrong(record, "R")) == ["R.a has no doc", "K has no default"]
