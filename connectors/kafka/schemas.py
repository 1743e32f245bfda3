"""The Avro contracts of `avro/`, loaded once by full name."""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import fastavro

HERE = Path(__file__).parent


def folder() -> Path:
    """Return where the `.avsc` files are: inside the installed package, or at the root of a checkout."""
    packaged = HERE / "avro"
    return packaged if packaged.is_dir() else HERE.parent.parent / "avro"


@cache
def sources() -> Mapping[str, str]:
    """Return the schema text of every record type by full name, as it is registered."""
    found = {}
    for path in sorted(folder().rglob("*.avsc")):
        schema = json.loads(path.read_text())
        found[f"{schema['namespace']}.{schema['name']}"] = json.dumps(schema, separators=(",", ":"), ensure_ascii=False)
    return found


@cache
def parsed(name: str) -> Any:
    """Return the schema of `name` as fastavro wants it."""
    return fastavro.parse_schema(json.loads(sources()[name]))
