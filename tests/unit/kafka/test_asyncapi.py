"""The contract for consumers says what the code declares."""

import json
import warnings
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors.kafka import schemas
from connectors.kafka.asyncapi import PUBLIC, document
from connectors.kafka.codec import Codec, LocalIds

COMMITTED = schemas.folder() / "asyncapi.yaml"
EXAMPLES = sorted((schemas.folder() / "examples").glob("*.json"))


def references(node: Any) -> Iterator[str]:
    """Every `$ref` in the document."""
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        node = list(node.values())
    if isinstance(node, list):
        for item in node:
            yield from references(item)


def test_the_committed_document_is_what_the_code_declares() -> None:
    """If this fails: sluiceway schemas asyncapi > avro/asyncapi.yaml."""
    assert yaml.safe_load(COMMITTED.read_text()) == document(version("sluiceway"))


def test_the_document_is_asyncapi_3() -> None:
    """A model of the specification that is not ours accepts it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it names a field `schema`, of which pydantic warns
        from asyncapi3 import AsyncAPI3  # noqa: PLC0415
    found = AsyncAPI3.model_validate(document("1"))
    addresses = [channel["address"] for channel in found.model_dump(mode="json")["channels"].values()]
    assert addresses == [topic.name for topic in PUBLIC]


def test_every_reference_leads_somewhere() -> None:
    """Into the document, or to a schema file beside it."""
    whole = document("1")
    for reference in set(references(whole)):
        path, _, pointer = reference.partition("#/")
        if path:
            assert (COMMITTED.parent / path).is_file(), reference
            continue
        node: Any = whole
        for step in pointer.split("/"):
            assert step in node, reference
            node = node[step]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_are_records_of_their_schema(path: Path) -> None:
    """Each has every field, and the codec writes and reads it."""
    topic = next(topic for topic in PUBLIC if topic.schemas[:1] == (f"sluiceway.canonical.{path.stem.capitalize()}",))
    [name] = topic.schemas
    schema = schemas.parsed(name)
    value = typed(json.loads(path.read_text()), schema, schema["__named_schemas"])
    assert list(value) == [field["name"] for field in schema["fields"]]
    codec = Codec(LocalIds())
    assert codec.decode(codec.encode_as(topic, name, value)) == (name, value)


def test_every_canonical_topic_has_an_example() -> None:
    """Consumers see what a record looks like."""
    names = {f"sluiceway.canonical.{path.stem.capitalize()}" for path in EXAMPLES}
    assert names == {name for topic in PUBLIC for name in topic.schemas if name.startswith("sluiceway.canonical.")}


def typed(value: Any, schema: Any, named: Mapping[str, Any]) -> Any:
    """JSON to the codec's types."""
    if isinstance(schema, str):
        return typed(value, named[schema], named) if schema in named else value
    if isinstance(schema, list):
        return None if value is None else typed(value, next(part for part in schema if part != "null"), named)
    kind = schema.get("logicalType", schema["type"])
    if kind == "record":
        fields = {field["name"]: field["type"] for field in schema["fields"]}
        return {name: typed(part, fields[name], named) for name, part in value.items()}
    if kind == "array":
        return [typed(item, schema["items"], named) for item in value]
    if kind == "decimal":
        return Decimal(value)
    if kind == "timestamp-micros":
        return datetime.fromisoformat(value).astimezone(UTC)
    return date.fromisoformat(value) if kind == "date" else value
