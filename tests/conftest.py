"""What every area's tests may use: a real Kafka and a real registry, started when the first test asks."""

import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from connectors.kafka.embedded.kafka import kafka
from connectors.kafka.embedded.ports import free_ports
from connectors.kafka.embedded.process import start
from connectors.kafka.embedded.registry import registry, registry_url

# It goes by the clock on the wall: on a busy machine examples come slowly, which says nothing of us.
settings.register_profile("patient", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@dataclass(frozen=True, slots=True)
class RunningKafka:
    """The session's broker."""

    bootstrap_servers: str
    pid: int


@dataclass(frozen=True, slots=True)
class RunningRegistry:
    """The session's schema registry; `url` is the base of the Confluent-compatible API."""

    url: str
    pid: int


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register what the fault tests read."""
    parser.addoption("--chaos-rounds", type=int, default=1, help="how often each fault test runs, each time reseeded")
    parser.addoption("--chaos-seed", type=int, default=1, help="the first round's seed; round n uses seed + n")
    parser.addoption("--backfill-size", type=int, default=300, help="objects in each vendor's backfill; 100000 is long")


@pytest.fixture(scope="session")
def stack_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the session's servers keep data and logs."""
    return tmp_path_factory.mktemp("stack")


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="kafka")
async def kafka_(stack_dir: Path) -> AsyncIterator[RunningKafka]:
    """A broker for the whole session: tests share it, so each makes its own topics and groups."""
    port, controller_port = free_ports(2)
    child = await start(await kafka(stack_dir, port=port, controller_port=controller_port))
    yield RunningKafka(f"127.0.0.1:{port}", child.pid)
    await child.stop()


@pytest_asyncio.fixture(scope="session", loop_scope="session", name="registry")
async def registry_(stack_dir: Path, kafka: RunningKafka) -> AsyncIterator[RunningRegistry]:
    """A schema registry for the whole session, keeping its schemas in the session's broker."""
    (port,) = free_ports(1)
    child = await start(await registry(stack_dir, port=port, bootstrap_servers=kafka.bootstrap_servers))
    yield RunningRegistry(registry_url(port), child.pid)
    await child.stop()


@pytest.fixture
def topic_name() -> Callable[[str], str]:
    """Make names of topics, groups and transactional ids that no other test uses: `topic_name("inbox")`."""
    return lambda stem: f"{stem}-{uuid.uuid4().hex[:8]}"
