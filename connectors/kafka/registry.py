"""The schema registry, seen through Confluent's API: which id stands for which schema."""

import asyncio
import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, Protocol, TypeVar

import fastavro
import httpx2
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.error import SchemaRegistryError
from pydantic import SecretStr

from connectors.errors import DecodeError, FatalError, RetryableError, UnknownSchemaError
from connectors.kafka import schemas
from connectors.kafka.topics import Topic

NOT_FOUND = 404
UNAUTHORIZED = (401, 403)
AT_ONCE = 8
"""Look-ups under way while ids are learnt."""

# What decides how bytes are written and read; documentation and our own marks do not.
_MEANING = frozenset(
    {"type", "name", "fields", "symbols", "items", "values", "size", "logicalType", "precision", "scale", "default"}
)

R = TypeVar("R")


class RegistrySettings(Protocol):
    """Where the registry is; `streams.settings.Registry` has it."""

    @property
    def url(self) -> str:
        """Of Confluent's API, e.g. Apicurio's `http://…/apis/ccompat/v7`."""
        ...

    @property
    def username(self) -> str | None:
        """For basic authentication."""
        ...

    @property
    def password(self) -> SecretStr | None:
        """For basic authentication."""
        ...


def registry_config(registry: RegistrySettings) -> dict[str, Any]:
    """Return the configuration of confluent-kafka's registry clients: an answer or an error within seconds."""
    config: dict[str, Any] = {
        "url": registry.url,
        "timeout": 5,
        "max.retries": 1,
        "retries.wait.ms": 100,
        "retries.max.wait.ms": 1000,
    }
    if registry.username is not None:
        password = registry.password.get_secret_value() if registry.password else ""
        config["basic.auth.user.info"] = f"{registry.username}:{password}"
    return config


def asking(registry: RegistrySettings, call: Callable[[], R]) -> R:
    """Return the registry's answer to `call`.

    Raises:
        RetryableError: it cannot be reached, or is not well.
        FatalError: it refuses our credentials.
        SchemaRegistryError: it answers with another error.
    """
    try:
        return call()
    except httpx2.HTTPError as error:
        raise unreachable(registry, error) from error
    except SchemaRegistryError as error:
        raise understood(registry, error) from error


def unreachable(registry: RegistrySettings, error: httpx2.HTTPError) -> RetryableError:
    """Return the error for a registry that gives no answer."""
    return RetryableError(
        f"the schema registry at {registry.url} does not answer ({error or type(error).__name__}); is it running? "
        "SLUICEWAY_REGISTRY__URL says where to look"
    )


def understood(registry: RegistrySettings, error: SchemaRegistryError) -> Exception:
    """Return what an error of the registry means to us; itself if that depends on what was asked."""
    status = error.http_status_code
    if status in UNAUTHORIZED:
        return FatalError(
            f"the schema registry at {registry.url} refuses our credentials (HTTP {status}); check "
            "SLUICEWAY_REGISTRY__USERNAME and SLUICEWAY_REGISTRY__PASSWORD"
        )
    if status >= 500:  # noqa: PLR2004  HTTP's server errors
        return RetryableError(f"the schema registry at {registry.url} is not well: {error.error_message}")
    return error


class RegistryIds:
    """`codec.SchemaIds` of a real registry. Every answer is kept for good: ids and schemas never change their meaning.

    Both lookups block while they ask the registry (seconds at most), so call `warm` before the loop is busy: then
    `id_of` never asks again, and `schema_of` only when a record comes with an id not seen before.
    """

    def __init__(self, registry: RegistrySettings) -> None:
        self._registry = registry
        self._client = SchemaRegistryClient(registry_config(registry))
        self._ids: dict[tuple[str, str], int] = {}
        self._schemas: dict[int, tuple[str, Any]] = {}

    async def warm(self, topics: Iterable[Topic]) -> None:
        """Learn, in a thread, the ids of everything that may be written to `topics`.

        Raises:
            FatalError: something is not registered; the message says which command registers it.
            RetryableError: the registry does not answer.
        """
        await asyncio.to_thread(self._warm, list(topics))

    def _warm(self, topics: Iterable[Topic]) -> None:
        wanted = [(topic.subject(schema), schema) for topic in topics for schema in topic.schemas]
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(self.id_of, *zip(*wanted, strict=True)))

    def id_of(self, subject: str, schema: str) -> int:
        """Return the id of the latest version under `subject` that means the same as our schema named `schema`.

        An older version is taken if the latest is not ours: while a new release registers its schemas, the running one
        goes on writing the version it knows.

        Raises:
            FatalError: it is not registered; the message says which command registers it.
            RetryableError: the registry does not answer.
        """
        known = self._ids.get((subject, schema))
        if known is None:
            known = self._ids[subject, schema] = asking(self._registry, lambda: self._find(subject, schema))
        return known

    def _find(self, subject: str, schema: str) -> int:
        wanted = meaning(schemas.sources()[schema])
        try:
            versions = self._client.get_versions(subject)
        except SchemaRegistryError as error:
            if error.http_status_code != NOT_FOUND:
                raise
            versions = []
        for version in sorted(versions, reverse=True):
            found = self._client.get_version(subject, version)
            text = found.schema.schema_str
            schema_id = found.schema_id
            if text is None or schema_id is None or found.schema.schema_type != "AVRO":
                continue
            if meaning(text) == wanted:
                self._schemas.setdefault(schema_id, (schema, schemas.parsed(schema)))
                return schema_id
        raise FatalError(
            f"{schema} is not registered as a version of subject {subject} at {self._registry.url}; "
            "run `sluiceway schemas apply`"
        )

    def schema_of(self, schema_id: int) -> tuple[str, Any]:
        """Return full name and parsed schema of an id.

        Raises:
            UnknownSchemaError: the registry does not know it.
            DecodeError: it stands for something that is not an Avro record.
            RetryableError: the registry does not answer.
        """
        known = self._schemas.get(schema_id)
        if known is None:
            known = self._schemas[schema_id] = asking(self._registry, lambda: self._read(schema_id))
        return known

    def _read(self, schema_id: int) -> tuple[str, Any]:
        try:
            found = self._client.get_schema(schema_id)
        except SchemaRegistryError as error:
            if error.http_status_code == NOT_FOUND:
                raise UnknownSchemaError(schema_id) from error
            raise
        text = found.schema_str
        if text is None or found.schema_type != "AVRO":
            raise DecodeError(f"schema id {schema_id} is {found.schema_type}, not Avro")
        return named(schema_id, text)

    def close(self) -> None:
        """End the HTTP connections."""
        self._client.close()


def named(schema_id: int, text: str) -> tuple[str, Any]:
    """Return full name and parsed form of a record schema; ours itself where both mean the same.

    Raises:
        DecodeError: it is not the schema of a record.
    """
    try:
        parsed: Any = fastavro.parse_schema(json.loads(text))
        name = str(parsed["name"])
        if name in schemas.sources() and meaning(text) == meaning(schemas.sources()[name]):
            return name, schemas.parsed(name)
    except Exception as error:  # fastavro raises whatever the text leads to
        raise DecodeError(f"schema id {schema_id} is not the schema of a record: {error}") from error
    return name, parsed


@cache
def meaning(text: str) -> str:
    """Return a schema reduced to what decides its bytes and defaults, names in full: equal for equal contracts."""
    return json.dumps(_reduced(fastavro.parse_schema(json.loads(text))), sort_keys=True)


def _reduced(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_reduced(branch) for branch in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key in _MEANING}
    if kept.keys() == {"type"}:
        return _reduced(kept["type"])
    for key in ("type", "fields", "items", "values"):
        if key in kept:
            kept[key] = _reduced(kept[key])
    return kept
