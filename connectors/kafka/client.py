"""How every client of ours is configured, and what it says when Kafka does not answer."""

from collections.abc import Mapping
from typing import Any, Protocol

from confluent_kafka import KafkaError, KafkaException


class KafkaSettings(Protocol):
    """What we need to know of a cluster; `streams.settings.Kafka` has it."""

    @property
    def bootstrap_servers(self) -> str:
        """host:port, comma separated."""
        ...

    @property
    def properties(self) -> Mapping[str, str]:
        """Further settings by librdkafka's names, e.g. `security.protocol`."""
        ...

    @property
    def partitions(self) -> int:
        """Of every topic."""
        ...

    @property
    def replication_factor(self) -> int:
        """Of every topic."""
        ...

    @property
    def min_insync_replicas(self) -> int:
        """Of every topic."""
        ...


def client_config(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Return what every librdkafka client starts from; the operator's own properties win."""
    return {
        "bootstrap.servers": kafka.bootstrap_servers,
        "client.id": client_id,
        # librdkafka would print to stderr each failed connection attempt; what matters comes back as an error.
        "log_level": 2,
        **kafka.properties,
    }


def producer_config(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Return the configuration of a plain producer: every replica acknowledges, repeats write nothing twice."""
    return client_config(kafka, client_id) | {"acks": "all", "enable.idempotence": True, "linger.ms": 2}


def reader_config(kafka: KafkaSettings, client_id: str) -> dict[str, Any]:
    """Return the configuration of a consumer that is assigned partitions by hand and commits nothing.

    Only committed records are seen, and the end of each partition is reported: our topics end in transaction markers,
    so that counting offsets would never get there.
    """
    return client_config(kafka, client_id) | {
        "group.id": client_id,
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "enable.partition.eof": True,
        "fetch.wait.max.ms": 100,  # a partition's end is told only after this wait: 500 would be each reader's least
    }


def explain(error: KafkaException) -> str:
    """Return what went wrong and what to do, in a sentence."""
    cause = error.args[0]
    if not isinstance(cause, KafkaError):
        return str(error)
    return f"{cause.str()}{_REMEDIES.get(cause.code(), '')}"


_UNREACHABLE = " — is Kafka running there? SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS says where to look"
_REMEDIES = {
    KafkaError._TRANSPORT: _UNREACHABLE,  # noqa: SLF001  librdkafka's public names begin with an underscore
    KafkaError._ALL_BROKERS_DOWN: _UNREACHABLE,  # noqa: SLF001
    KafkaError._TIMED_OUT: _UNREACHABLE,  # noqa: SLF001
    KafkaError._RESOLVE: _UNREACHABLE,  # noqa: SLF001
    KafkaError._AUTHENTICATION: " — check the sasl.* entries of SLUICEWAY_KAFKA__PROPERTIES",  # noqa: SLF001
    KafkaError._INVALID_ARG: " — check SLUICEWAY_KAFKA__PROPERTIES",  # noqa: SLF001
    KafkaError.INVALID_REPLICATION_FACTOR: " — set SLUICEWAY_KAFKA__REPLICATION_FACTOR to the number of brokers",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: " — the principal lacks rights on the topic",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: " — the principal lacks rights on the cluster",
    KafkaError.UNKNOWN_TOPIC_OR_PART: " — run `sluiceway topics apply`",
    KafkaError._UNKNOWN_TOPIC: " — run `sluiceway topics apply`",  # noqa: SLF001
    KafkaError._UNKNOWN_PARTITION: " — run `sluiceway topics apply`",  # noqa: SLF001
}
