"""Real Kafka and a real schema registry on this machine, with nothing but Python installed."""

from connectors.kafka.embedded.distribution import KAFKA, REGISTRY, install
from connectors.kafka.embedded.errors import EmbeddedError, InstallError, StartError
from connectors.kafka.embedded.kafka import kafka
from connectors.kafka.embedded.ports import free_ports, is_free
from connectors.kafka.embedded.probe import answers
from connectors.kafka.embedded.process import Child, Program, run, start
from connectors.kafka.embedded.registry import registry, registry_url

__all__ = [
    "KAFKA",
    "REGISTRY",
    "Child",
    "EmbeddedError",
    "InstallError",
    "Program",
    "StartError",
    "answers",
    "free_ports",
    "install",
    "is_free",
    "kafka",
    "registry",
    "registry_url",
    "run",
    "start",
]
