"""Bringing topics and schemas to what the code declares, and telling where they differ."""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # the package does not list what it re-exports
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    ResourceType,
)

from connectors.errors import FatalError
from connectors.kafka.client import KafkaSettings, client_config
from connectors.kafka.topics import TOPICS, Topic

TIMEOUT_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class TopicState:
    """A declared topic as the cluster has it.

    Attributes:
        partitions: 0 if it does not exist.
        drift: setting → (declared, found); empty: nothing differs.
    """

    name: str
    partitions: int
    drift: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def exists(self) -> bool:
        """Tell whether it is there at all."""
        return self.partitions > 0


@dataclass(frozen=True, slots=True)
class Applied:
    """What was done about one topic."""

    name: str
    created: bool
    changed: Mapping[str, tuple[str, str]]


async def topic_states(kafka: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> list[TopicState]:
    """Return how the cluster has the declared topics, in their order.

    Raises:
        KafkaException: the cluster does not answer or refuses.
    """
    return await asyncio.to_thread(_states, _admin(kafka), kafka, topics)


async def apply_topics(kafka: KafkaSettings, topics: Sequence[Topic] = TOPICS) -> list[Applied]:
    """Create what is missing, correct what is configured otherwise, and return once every partition has a leader.

    Settings that we do not declare are left as the operator made them. Nothing is done if any topic has another number
    of partitions than declared: a tenant's place would move.

    Raises:
        FatalError: a topic has another number of partitions.
        KafkaException: the cluster does not answer or refuses.
    """
    return await asyncio.to_thread(_apply, _admin(kafka), kafka, topics)


async def require_partitions(kafka: KafkaSettings, topics: Sequence[Topic]) -> None:
    """Return if the topics are there with the number of partitions that the settings say, on which places depend.

    Raises:
        FatalError: one is missing, or has another number; says what to do.
        KafkaException: the cluster does not answer.
    """
    counts = await asyncio.to_thread(_partition_counts, _admin(kafka))
    states = [_state(topic, kafka, counts.get(topic.name, 0), {}) for topic in topics]
    missing = [state.name for state in states if not state.exists]
    if missing:
        raise FatalError(f"topic {missing[0]} does not exist; run `sluiceway topics apply`")
    _refuse_other_counts(states)


def _admin(kafka: KafkaSettings) -> AdminClient:
    return AdminClient(client_config(kafka, "sluiceway-admin"))


def declared(topic: Topic, kafka: KafkaSettings) -> dict[str, str]:
    """Return the whole configuration a topic is created with."""
    return topic.config() | {"min.insync.replicas": str(kafka.min_insync_replicas)}


def _states(admin: AdminClient, kafka: KafkaSettings, topics: Sequence[Topic]) -> list[TopicState]:
    counts = _partition_counts(admin)
    configs = _configs(admin, [topic.name for topic in topics if topic.name in counts])
    return [_state(topic, kafka, counts.get(topic.name, 0), configs.get(topic.name, {})) for topic in topics]


def _state(topic: Topic, kafka: KafkaSettings, partitions: int, config: Mapping[str, str]) -> TopicState:
    if partitions == 0:
        return TopicState(topic.name, 0)
    wanted = declared(topic, kafka)
    drift = {name: (value, config.get(name, "")) for name, value in wanted.items() if config.get(name) != value}
    if partitions != kafka.partitions:
        drift["partitions"] = (str(kafka.partitions), str(partitions))
    return TopicState(topic.name, partitions, drift)


def _apply(admin: AdminClient, kafka: KafkaSettings, topics: Sequence[Topic]) -> list[Applied]:
    states = _states(admin, kafka, topics)
    _refuse_other_counts(states)
    missing = {state.name for state in states if not state.exists}
    _create(admin, kafka, [topic for topic in topics if topic.name in missing])
    _alter(admin, {state.name: state.drift for state in states if state.drift})
    _await_leaders(admin, {topic.name for topic in topics})
    return [Applied(state.name, not state.exists, state.drift) for state in states]


def _refuse_other_counts(states: Iterable[TopicState]) -> None:
    wrong = [(s.name, *s.drift["partitions"]) for s in states if "partitions" in s.drift]
    if wrong:
        name, wanted, found = wrong[0]
        others = f" (and {len(wrong) - 1} more topics)" if len(wrong) > 1 else ""
        raise FatalError(
            f"topic {name} has {found} partitions, the settings say {wanted}{others}; partitions are fixed at "
            f"creation, as they decide where a tenant lives: set SLUICEWAY_KAFKA__PARTITIONS={found}, or use another "
            "cluster"
        )


def _create(admin: AdminClient, kafka: KafkaSettings, topics: Sequence[Topic]) -> None:
    if topics:
        new = [
            NewTopic(
                topic.name,
                num_partitions=kafka.partitions,
                replication_factor=kafka.replication_factor,
                config=declared(topic, kafka),
            )
            for topic in topics
        ]
        _wait(admin.create_topics(new, request_timeout=TIMEOUT_SECONDS))


def _alter(admin: AdminClient, drifts: Mapping[str, Mapping[str, tuple[str, str]]]) -> None:
    if drifts:
        resources = [
            ConfigResource(
                ResourceType.TOPIC,
                name,
                incremental_configs=[
                    ConfigEntry(key, wanted, incremental_operation=AlterConfigOpType.SET)
                    for key, (wanted, _) in drift.items()
                ],
            )
            for name, drift in drifts.items()
        ]
        _wait(admin.incremental_alter_configs(resources, request_timeout=TIMEOUT_SECONDS))


def _await_leaders(admin: AdminClient, names: set[str]) -> None:
    """Return once the brokers know a leader for every partition: until then a producer's first record may fail."""
    for _ in range(200):
        found = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
        led = {name for name in names & found.keys() if _led(found[name].partitions.values())}
        if led == names:
            return
        admin.poll(0.05)
    raise FatalError(f"no leader for {', '.join(sorted(names - led))}; look at the brokers' logs")


def _led(partitions: Collection[Any]) -> bool:
    return bool(partitions) and all(partition.leader >= 0 for partition in partitions)


def _partition_counts(admin: AdminClient) -> dict[str, int]:
    found = admin.list_topics(timeout=TIMEOUT_SECONDS).topics
    return {name: len(topic.partitions) for name, topic in found.items()}


def _configs(admin: AdminClient, names: Sequence[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
    found = _wait(admin.describe_configs(resources, request_timeout=TIMEOUT_SECONDS))
    return {resource.name: {key: entry.value for key, entry in config.items()} for resource, config in found.items()}


def _wait(futures: Mapping[Any, Future[Any]]) -> dict[Any, Any]:
    """Return all results; a refusal names what was refused."""
    results = {}
    for subject, future in futures.items():
        try:
            results[subject] = future.result(TIMEOUT_SECONDS)
        except KafkaException as error:
            error.add_note(f"for topic {getattr(subject, 'name', subject)}")
            raise
    return results
