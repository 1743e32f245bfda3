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
def files() -> Mapping[str, Path]:
    """Return where the schema of every record type is written, by full name."""
    found = {}
    for path in sorted(folder().rglob("*.avsc")):
        schema = json.loads(path.read_text())
        found[f"{schema['namespace']}.{schema['name']}"] = path
    return found


@cache
def sources() -> Mapping[str, str]:
    """Return the schema text of every record type by full name, as it is registered."""
    return {
        name: json.dumps(json.loads(path.read_text()), separators=(",", ":"), ensure_ascii=False)
        for name, path in files().items()
    }


@cache
def parsed(name: str) -> Any:
    """Return the schema of `name` as fastavro wants it."""
    return fastavro.parse_schema(json.loads(sources()[name]))
