"""Registering the schemas of `avro/` under their subjects, or only asking whether the registry would take them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from confluent_kafka.schema_registry import AsyncSchemaRegistryClient, Schema
from confluent_kafka.schema_registry.error import SchemaRegistryError

from connectors.errors import FatalError
from connectors.kafka import schemas
from connectors.kafka.registry import (
    NOT_FOUND,
    RegistrySettings,
    meaning,
    registry_config,
    understood,
    unreachable,
)
from connectors.kafka.topics import TOPICS, Topic

CONFLICT = 409
INVALID = 422
AT_ONCE = 8
"""Requests under way: the registry waits for its disk or for Kafka with each."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One record type under one subject; `file` is where its schema is written, relative to `avro/`."""

    name: str
    schema: str
    file: str
    compatibility: str

    @property
    def source(self) -> Schema:
        """The schema as the registry's client wants it."""
        return Schema(schemas.sources()[self.schema], "AVRO")


@dataclass(frozen=True, slots=True)
class Registered:
    """What a subject holds now."""

    subject: Subject
    schema_id: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the registry says of our schema: `new`, `known`, `compatible` or `incompatible`; why, if incompatible."""

    subject: Subject
    state: str
    reasons: Sequence[str] = ()


def subjects(topics: Sequence[Topic] = TOPICS) -> Iterator[Subject]:
    """Yield every subject of `topics`, in their order."""
    files = schemas.files()
    for topic in topics:
        for schema in topic.schemas:
            file = files[schema].relative_to(schemas.folder()).as_posix()
            yield Subject(topic.subject(schema), schema, file, topic.compatibility)


async def apply_schemas(registry: RegistrySettings, topics: Sequence[Topic] = TOPICS) -> list[Registered]:
    """Set the compatibility level of every subject and register its schema; what is registered already keeps its id.

    Raises:
        FatalError: a schema is not compatible with what is registered; names its file and the reasons.
        RetryableError: the registry does not answer.
    """
    wanted = list(subjects(topics))
    first = {subject.schema: subject for subject in reversed(wanted)}
    async with _client(registry) as client:
        # A schema of several subjects is one content with one id: it must be there before it is named again.
        done = await _side_by_side(client, list(first.values()))
        done |= await _side_by_side(client, [subject for subject in wanted if subject not in done])
    return [done[subject] for subject in wanted]


async def _side_by_side(client: AsyncSchemaRegistryClient, wanted: Sequence[Subject]) -> dict[Subject, Registered]:
    turns = asyncio.Semaphore(AT_ONCE)

    async def register(subject: Subject) -> Registered:
        async with turns:
            return await _register(client, subject)

    done = await asyncio.gather(*map(register, wanted), return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return {result.subject: result for result in done if isinstance(result, Registered)}


async def check_schemas(registry: RegistrySettings, topics: Sequence[Topic] = TOPICS) -> list[Verdict]:
    """Ask the registry whether it would take our schemas; nothing is changed.

    Raises:
        RetryableError: the registry does not answer.
    """
    async with _client(registry) as client:
        return [await _judge(client, subject) for subject in subjects(topics)]


@asynccontextmanager
async def _client(registry: RegistrySettings) -> AsyncIterator[AsyncSchemaRegistryClient]:
    client = AsyncSchemaRegistryClient(registry_config(registry))
    try:
        yield client
    except httpx2.HTTPError as error:
        raise unreachable(registry, error) from error
    except SchemaRegistryError as error:
        raise understood(registry, error) from error
    finally:
        await client.aclose()


async def _register(client: AsyncSchemaRegistryClient, subject: Subject) -> Registered:
    await client.set_compatibility(subject.name, subject.compatibility)
    try:
        return Registered(subject, await client.register_schema(subject.name, subject.source))
    except SchemaRegistryError as error:
        if error.http_status_code == CONFLICT:
            raise FatalError(
                f"avro/{subject.file} breaks {subject.compatibility} compatibility of subject {subject.name}; give new "
                f"fields a default and keep the types of old ones. The registry says: {error.error_message}"
            ) from error
        if error.http_status_code == INVALID:
            raise FatalError(
                f"avro/{subject.file}: the registry does not take it for Avro; correct the file. "
                f"It says: {error.error_message}"
            ) from error
        raise


async def _judge(client: AsyncSchemaRegistryClient, subject: Subject) -> Verdict:
    latest = await _latest(client, subject.name)
    if latest is None:
        return Verdict(subject, "new")
    if meaning(latest) == meaning(schemas.sources()[subject.schema]):
        return Verdict(subject, "known")
    if await client.test_compatibility_all_versions(subject.name, subject.source):
        return Verdict(subject, "compatible")
    return Verdict(subject, "incompatible", tuple(differences(json.loads(latest), _ours(subject))))


async def _latest(client: AsyncSchemaRegistryClient, subject: str) -> str | None:
    try:
        return (await client.get_latest_version(subject)).schema.schema_str
    except SchemaRegistryError as error:
        if error.http_status_code == NOT_FOUND:
            return None
        raise


def _ours(subject: Subject) -> Any:
    return json.loads(schemas.sources()[subject.schema])


def differences(old: Any, new: Any, path: str = "") -> Iterator[str]:
    """Yield where two schemas differ, so that a reader finds the cause: registries tell only that there is one."""
    if isinstance(old, dict) and isinstance(new, dict):
        yield from _differing_keys(old, new, path)
    elif _named(old) and _named(new):
        yield from _differing_fields(_by_name(old), _by_name(new), path)
    elif old != new:
        yield f"{path or 'the schema'}: was {_short(old)}, is {_short(new)}"


def _differing_keys(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    for key in old.keys() | new.keys():
        if key not in {"doc", "pii"}:
            inner = path if key in {"fields", "type", "items", "values"} else f"{path}.{key}".lstrip(".")
            yield from differences(old.get(key), new.get(key), inner)


def _differing_fields(old: dict[str, Any], new: dict[str, Any], path: str) -> Iterator[str]:
    for name in [*old, *(name for name in new if name not in old)]:
        inner = f"{path}.{name}".lstrip(".")
        if name not in new:
            default = "" if "default" in old[name] else ", which had no default"
            yield f"{inner}: removed{default}"
        elif name not in old:
            default = "" if "default" in new[name] else " without a default"
            yield f"{inner}: added{default}"
        else:
            yield from differences(old[name], new[name], inner)


def _named(schema: Any) -> bool:
    return isinstance(schema, list) and bool(schema) and all(isinstance(f, dict) and "name" in f for f in schema)


def _by_name(fields: list[dict[str, Any]]) -> dict[str, Any]:
    return {field["name"]: field for field in fields}


def _short(schema: Any) -> str:
    text = json.dumps(schema, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004  a line of a terminal
