"""Kafka and registry behave alike in Docker and in the embedded stack, addresses aside."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from connectors.kafka.embedded.distribution import KAFKA, REGISTRY, Package, Say
from streams.local.environment import environment
from streams.settings import Settings

Services = dict[str, Any]
# The package exports functions of the same names, so these modules are had by name only.
embedded_kafka = import_module("connectors.kafka.embedded.kafka")
embedded_registry = import_module("connectors.kafka.embedded.registry")
# Where a container listens and stores differs of necessity.
KAFKA_ADDRESSES = {"listeners", "advertised.listeners", "listener.security.protocol.map", "log.dirs"}
KAFKA_JVM = {"KAFKA_HEAP_OPTS", "KAFKA_JVM_PERFORMANCE_OPTS"}
REGISTRY_ADDRESSES = {"quarkus.http.host", "apicurio.kafkasql.bootstrap.servers"}
REGISTRY_JVM = {"JAVA_OPTS_APPEND", "GC_CONTAINER_OPTIONS"}


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder whose stack counts as installed, so that nothing is downloaded and no JVM is started."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "bootstrap.checkpoint").touch()

    async def install(_package: Package, _say: Say = print) -> Path:
        return home

    monkeypatch.setattr(embedded_kafka, "install", install)
    monkeypatch.setattr(embedded_registry, "install", install)
    return tmp_path / "data"


def test_versions(services: Services) -> None:
    """Both stacks run the same versions of Kafka and Apicurio Registry."""
    assert services["kafka"]["image"] == f"apache/kafka:{KAFKA.version}"
    assert services["registry"]["image"] == f"apicurio/apicurio-registry:{REGISTRY.version}"


async def test_kafka_settings(installed: Path, services: Services) -> None:
    """Every broker setting of either stack is in the other, with the same value."""
    program = await embedded_kafka.kafka(installed, port=9092, controller_port=9093)
    ours = _properties((installed / "kafka/server.properties").read_text())
    theirs = {_kafka_name(key): str(value) for key, value in _environment(services, "kafka") if key not in KAFKA_JVM}
    assert _without(theirs, KAFKA_ADDRESSES) == _without(ours, KAFKA_ADDRESSES)
    options = " ".join(str(value) for key, value in _environment(services, "kafka") if key in KAFKA_JVM)
    assert set(options.split()) == _jvm(program.argv)


async def test_registry_settings(installed: Path, services: Services) -> None:
    """Every registry setting of either stack is in the other, with the same value."""
    program = await embedded_registry.registry(installed, port=8081, bootstrap_servers="kafka:9092")
    ours = dict(argument.removeprefix("-D").split("=", 1) for argument in program.argv if argument.startswith("-D"))
    theirs = {key: str(value) for key, value in _environment(services, "registry") if key not in REGISTRY_JVM}
    expected = {_env_name(key): value for key, value in ours.items() if key not in REGISTRY_ADDRESSES}
    addresses = {_env_name(key) for key in REGISTRY_ADDRESSES}
    assert _without(theirs, addresses) == expected
    options = " ".join(str(value) for key, value in _environment(services, "registry") if key in REGISTRY_JVM)
    assert set(options.split()) == _jvm(program.argv)


def test_roles_find_the_registry_under_the_same_path(services: Services) -> None:
    """Inside and outside the containers the registry's Confluent API has the same port and path."""
    outside = embedded_registry.registry_url(8081)
    assert services["connect"]["environment"]["SLUICEWAY_REGISTRY__URL"] == outside.replace("127.0.0.1", "registry")


def test_roles_are_told_the_same(tmp_path: Path, services: Services) -> None:
    """The roles get the same sizes of topics in both stacks."""
    local = environment(Settings(data_dir=tmp_path), {"kafka", "registry"})
    sizes = {key: value for key, value in local.items() if key.startswith("SLUICEWAY_KAFKA__")}
    del sizes["SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS"]
    assert sizes
    for role in ("init", "transform", "connect", "gateway"):
        theirs = {key: str(value) for key, value in _environment(services, role)}
        assert {key: theirs[key] for key in sizes} == sizes, role


def _environment(services: Services, name: str) -> list[tuple[str, Any]]:
    return list(services[name]["environment"].items())


def _properties(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if line and not line.startswith("#"))


def _kafka_name(variable: str) -> str:
    """How the image's kafka.docker.KafkaDockerWrapper reads a variable; none of ours has `_` or `-` in its name."""
    return variable.removeprefix("KAFKA_").lower().replace("_", ".")


def _env_name(name: str) -> str:
    """How MicroProfile Config, which Quarkus follows, spells a property as a variable."""
    return re.sub(r"\W", "_", name).upper()


def _jvm(argv: Any) -> set[str]:
    return {argument for argument in argv if argument.startswith("-X")}


def _without(values: dict[str, str], names: set[str]) -> dict[str, str]:
    return {key: value for key, value in values.items() if key not in names}
