"""Topics and schemas on a real broker and a real registry."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from confluent_kafka import KafkaException

from connectors.errors import FatalError, RetryableError, UnknownSchemaError
from connectors.kafka import schemas
from connectors.kafka.admin import apply_topics, require_partitions, topic_states
from connectors.kafka.contracts import apply_schemas, check_schemas
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import CANONICAL, COMMAND, TOPICS, Topic
from streams.settings import Kafka, Registry

Name = Callable[[str], str]


@pytest.fixture
def cluster(kafka: Any) -> Kafka:
    """The broker, as settings have it."""
    return Kafka(bootstrap_servers=kafka.bootstrap_servers, partitions=3, replication_factor=1, min_insync_replicas=1)


@pytest.fixture
def registrar(registry: Any) -> Registry:
    """The registry, as settings have it."""
    return Registry(url=registry.url)


@pytest.fixture
def ours(topic_name: Name) -> Sequence[Topic]:
    """All declared topics under names of this test's own."""
    suffix = topic_name("")
    return [replace(topic, name=topic.name + suffix) for topic in TOPICS]


async def test_topics_are_created_as_declared_and_only_once(cluster: Kafka, ours: Sequence[Topic]) -> None:
    """The first apply creates all, the second changes nothing, and nothing differs."""
    first = await apply_topics(cluster, ours)
    second = await apply_topics(cluster, ours)
    assert all(done.created for done in first)
    assert not any(done.created or done.changed for done in second)
    states = await topic_states(cluster, ours)
    assert {(state.partitions, len(state.drift)) for state in states} == {(3, 0)}


async def test_a_changed_setting_is_seen_and_corrected(cluster: Kafka, topic_name: Name) -> None:
    """`list` shows the difference, `apply` mends it and says so."""
    old = Topic(topic_name("a"), "k", (), retention_ms=1000)
    new = replace(old, retention_ms=2000)
    await apply_topics(cluster, [old])
    (seen,) = await topic_states(cluster, [new])
    (done,) = await apply_topics(cluster, [new])
    (after,) = await topic_states(cluster, [new])
    assert seen.drift == done.changed == {"retention.ms": ("2000", "1000")}
    assert after.drift == {}


async def test_another_number_of_partitions_is_refused(cluster: Kafka, ours: Sequence[Topic]) -> None:
    """A tenant's place would move: nothing is created or changed, and the message has both numbers."""
    await apply_topics(cluster, ours[:1])
    other = cluster.model_copy(update={"partitions": 5})
    with pytest.raises(FatalError, match=r"has 3 partitions, the settings say 5.*SLUICEWAY_KAFKA__PARTITIONS=3"):
        await apply_topics(other, ours)
    with pytest.raises(FatalError, match="the settings say 5"):
        await require_partitions(other, ours[:1])
    with pytest.raises(FatalError, match="does not exist; run `sluiceway topics apply`"):
        await require_partitions(cluster, ours[1:2])


async def test_too_many_replicas_name_the_setting(cluster: Kafka, ours: Sequence[Topic]) -> None:
    """Kafka's refusal comes with the topic it was about."""
    with pytest.raises(KafkaException) as caught:
        await apply_topics(cluster.model_copy(update={"replication_factor": 3}), ours[:1])
    assert caught.value.__notes__ == [f"for topic {ours[0].name}"]


async def test_all_contracts_register_and_are_found(registrar: Registry, ours: Sequence[Topic]) -> None:
    """Every declared schema is accepted, keeps its id, and is known to check, to writers and to readers."""
    first = await apply_schemas(registrar, ours)
    second = await apply_schemas(registrar, ours)
    assert [done.schema_id for done in first] == [done.schema_id for done in second]
    assert {verdict.state for verdict in await check_schemas(registrar, ours)} == {"known"}
    ids = RegistryIds(registrar)
    await ids.warm(ours)
    for done in first:
        assert ids.id_of(done.subject.name, done.subject.schema) == done.schema_id
        assert ids.schema_of(done.schema_id) == (done.subject.schema, schemas.parsed(done.subject.schema))
    ids.close()


async def test_what_is_not_registered_says_how_to(registrar: Registry, ours: Sequence[Topic]) -> None:
    """A writer that finds no id is told the command; a reader of an unknown id is told to wait."""
    ids = RegistryIds(registrar)
    with pytest.raises(FatalError, match="run `sluiceway schemas apply`"):
        await ids.warm(ours)
    with pytest.raises(UnknownSchemaError):
        ids.schema_of(2_000_000_000)
    ids.close()


async def test_a_registry_that_is_away_is_worth_waiting_for() -> None:
    """Nobody listens: RetryableError, for writers and for `schemas check`."""
    away = Registry(url="http://127.0.0.1:9")
    ids = RegistryIds(away)
    with pytest.raises(RetryableError, match="does not answer"):
        ids.schema_of(1)
    with pytest.raises(RetryableError, match="does not answer"):
        await check_schemas(away, [COMMAND])
    ids.close()


def evolved(monkeypatch: pytest.MonkeyPatch, schema: str, old: str, new: str) -> None:
    """Change the source of one schema, as a release would."""
    text = schemas.sources()[schema]
    assert old in text
    changed = {**schemas.sources(), schema: text.replace(old, new, 1)}
    monkeypatch.setattr(schemas, "sources", lambda: changed)


async def test_an_incompatible_schema_is_refused_with_the_reason(
    registrar: Registry, topic_name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`check` names the field, `apply` the file, and the registry keeps what it had."""
    topics = [replace(CANONICAL["party"], name=topic_name("party"))]
    await apply_schemas(registrar, topics)
    evolved(
        monkeypatch, "sluiceway.canonical.Party", '{"name":"tenant","type":"string"', '{"name":"tenant","type":"int"'
    )
    (verdict,) = await check_schemas(registrar, topics)
    assert (verdict.state, verdict.reasons) == ("incompatible", ('tenant: was "string", is "int"',))
    with pytest.raises(FatalError, match=r"avro/canonical/party\.avsc breaks FULL_TRANSITIVE"):
        await apply_schemas(registrar, topics)


async def test_a_running_release_goes_on_with_the_version_it_knows(
    registrar: Registry, topic_name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the latest version is newer than ours, we write under the earlier version's id; both are read."""
    topics = [replace(COMMAND, name=topic_name("command"))]
    (old,) = await apply_schemas(registrar, topics)
    with monkeypatch.context() as newer:
        added = '"fields":[{"name":"added","type":"string","default":"","doc":"New."},'
        evolved(newer, "sluiceway.command.Command", '"fields":[', added)
        (new,) = await apply_schemas(registrar, topics)
    assert new.schema_id != old.schema_id
    ids = RegistryIds(registrar)
    assert ids.id_of(old.subject.name, old.subject.schema) == old.schema_id
    assert ids.schema_of(new.schema_id)[0] == "sluiceway.command.Command"
    ids.close()
