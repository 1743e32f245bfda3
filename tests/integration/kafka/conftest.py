"""Settings for the session's servers, and the command line on them."""

import asyncio
from base64 import b64encode
from typing import Any

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from connectors.kafka.admin import apply_topics
from connectors.kafka.contracts import apply_schemas
from connectors.kafka.topics import TOPICS
from streams.cli import main
from streams.settings import Kafka, Registry

PARTITIONS = 4


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def environ(kafka: Any, registry: Any, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Settings for the session's servers; every topic and schema is there."""
    cluster = Kafka(
        bootstrap_servers=kafka.bootstrap_servers, partitions=PARTITIONS, replication_factor=1, min_insync_replicas=1
    )
    await apply_topics(cluster, TOPICS)
    await apply_schemas(Registry(url=registry.url), TOPICS)
    return {
        "SLUICEWAY_DATA_DIR": str(tmp_path_factory.mktemp("data")),
        "SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS": cluster.bootstrap_servers,
        "SLUICEWAY_KAFKA__PARTITIONS": str(PARTITIONS),
        "SLUICEWAY_KAFKA__REPLICATION_FACTOR": "1",
        "SLUICEWAY_KAFKA__MIN_INSYNC_REPLICAS": "1",
        "SLUICEWAY_REGISTRY__URL": registry.url,
        "SLUICEWAY_TOKEN_KEY": b64encode(b"k" * 32).decode(),
    }


async def sluiceway(environ: dict[str, str], *arguments: str) -> Result:
    """Run the command line beside the event loop."""
    return await asyncio.to_thread(CliRunner().invoke, main, arguments, env=environ)
