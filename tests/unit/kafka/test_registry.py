"""What the registry's answers mean, without a registry."""

import json
from typing import Any

import httpx2
import pytest
from confluent_kafka.schema_registry.error import SchemaRegistryError

from connectors.errors import DecodeError, FatalError, RetryableError
from connectors.kafka import schemas
from connectors.kafka.contracts import differences
from connectors.kafka.registry import asking, meaning, named, registry_config
from streams.settings import Registry

REGISTRY = Registry(url="http://127.0.0.1:1")
RECORD: dict[str, Any] = {"type": "record", "name": "A", "namespace": "x", "fields": [{"name": "a", "type": "string"}]}


def text(**changes: Any) -> str:
    """Return RECORD with changes, as JSON."""
    return json.dumps(RECORD | changes)


def refuse(status: int) -> Any:
    """Return a call that the registry answers with an error."""

    def call() -> None:
        raise SchemaRegistryError(status, status * 100, "no")

    return call


def test_words_do_not_change_the_meaning() -> None:
    """Documentation, marks, key order and the long spelling of a primitive do not make another contract."""
    spelled = [{"pii": "any", "doc": "d", "type": {"type": "string"}, "name": "a"}]
    assert meaning(text(doc="about A", fields=spelled)) == meaning(text())


@pytest.mark.parametrize(
    "field",
    [
        {"name": "b", "type": "string"},
        {"name": "a", "type": "bytes"},
        {"name": "a", "type": "string", "default": ""},
        {"name": "a", "type": {"type": "bytes", "logicalType": "decimal", "precision": 4, "scale": 2}},
    ],
)
def test_what_decides_bytes_or_defaults_changes_the_meaning(field: dict[str, Any]) -> None:
    """Names, types and defaults make another contract."""
    assert meaning(text(fields=[field])) != meaning(text())


def test_our_own_schema_is_recognised() -> None:
    """A schema that means the same as ours is read with ours itself, so that nothing is resolved per record."""
    name = "sluiceway.inbox.VendorRecord"
    assert named(1, schemas.sources()[name])[1] is schemas.parsed(name)


@pytest.mark.parametrize(
    "broken", ['"string"', "{}", "[", '{"type": "record", "name": "A", "fields": [{"name": "a"}]}']
)
def test_what_is_no_record_schema_is_broken(broken: str) -> None:
    """A schema that is not one of a record is a DecodeError that names its id."""
    with pytest.raises(DecodeError, match="schema id 7"):
        named(7, broken)


@pytest.mark.parametrize(
    ("status", "error"), [(401, FatalError), (403, FatalError), (500, RetryableError), (503, RetryableError)]
)
def test_errors_are_sorted_by_what_to_do(status: int, error: type[Exception]) -> None:
    """Refused credentials are fatal, an ill registry is worth another try."""
    with pytest.raises(error, match="the schema registry at http://127"):
        asking(REGISTRY, refuse(status))


def test_other_errors_stay_what_they_are() -> None:
    """What depends on the question is left to the asker."""
    with pytest.raises(SchemaRegistryError):
        asking(REGISTRY, refuse(404))


def test_no_answer_names_the_setting() -> None:
    """An unreachable registry is worth another try, and the message names the address and its setting."""

    def call() -> None:
        raise httpx2.ConnectError("refused")

    with pytest.raises(RetryableError, match="SLUICEWAY_REGISTRY__URL"):
        asking(REGISTRY, call)


def test_credentials_reach_the_client() -> None:
    """User and password become the client's basic authentication."""
    settings = Registry(url="https://r", username="u", password="p")
    assert registry_config(settings)["basic.auth.user.info"] == "u:p"


def test_differences_name_the_fields() -> None:
    """What was added, removed and retyped is told field by field, documentation is not."""
    old = {"type": "record", "name": "A", "fields": [{"name": "a", "type": "string"}, {"name": "b", "type": "int"}]}
    new = {
        "type": "record",
        "name": "A",
        "doc": "d",
        "fields": [{"name": "b", "type": "long"}, {"name": "c", "type": "int"}],
    }
    assert list(differences(old, new)) == [
        "a: removed, which had no default",
        'b: was "int", is "long"',
        "c: added without a default",
    ]
