"""`sluiceway up`, `status` and `down` as a person uses them, on real servers."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest_asyncio
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from connectors.kafka.embedded.ports import free_ports
from connectors.kafka.embedded.registry import registry_url
from streams.local.control import stop
from streams.local.state import StateFile
from streams.local.status import DOWN, status

TOPIC, GROUP = "kept", "keepers"


@dataclass(frozen=True, slots=True)
class Sluiceway:
    """The command line, with ports and a data directory of its own."""

    data_dir: Path
    kafka: int
    kafka_controller: int
    registry: int

    @property
    def bootstrap(self) -> dict[str, str | int | float | bool]:
        """How clients reach the broker."""
        return {"bootstrap.servers": f"127.0.0.1:{self.kafka}"}

    async def begin(self, *argv: str) -> asyncio.subprocess.Process:
        """Start one command."""
        env = {
            **os.environ,
            "SLUICEWAY_DATA_DIR": str(self.data_dir),
            "SLUICEWAY_PORTS__KAFKA": str(self.kafka),
            "SLUICEWAY_PORTS__KAFKA_CONTROLLER": str(self.kafka_controller),
            "SLUICEWAY_PORTS__REGISTRY": str(self.registry),
        }
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams.cli", *argv,
            env=env, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip

    async def __call__(self, *argv: str) -> tuple[int, str]:
        """Run one command; returns exit code and what it said."""
        process = await self.begin(*argv)
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()

    async def status(self) -> dict[str, Any]:
        """What `status --json` prints, its exit code under `exit`."""
        code, output = await self("status", "--json")
        found: dict[str, Any] = json.loads(output)
        return found | {"exit": code}


@pytest_asyncio.fixture
async def sluiceway(tmp_path: Path) -> AsyncIterator[Sluiceway]:
    """A command line whose stack is gone afterwards."""
    command = Sluiceway(tmp_path / "data", *free_ports(3))
    yield command
    await stop(command.data_dir, print)


def write_something(sluiceway: Sluiceway) -> None:
    """Make a topic with three records, of which a group has read two."""
    admin = AdminClient(sluiceway.bootstrap)
    admin.create_topics([NewTopic(TOPIC, 2)])[TOPIC].result(20)
    producer = Producer(sluiceway.bootstrap)
    for number in range(3):
        producer.produce(TOPIC, str(number), partition=1)
    assert producer.flush(20) == 0
    consumer = Consumer({**sluiceway.bootstrap, "group.id": GROUP})
    consumer.commit(offsets=[TopicPartition(TOPIC, 1, 2)], asynchronous=False)
    consumer.close()


def read_on(sluiceway: Sluiceway) -> tuple[int, list[bytes | None]]:
    """Return the group's committed offset, and the values from there to the end."""
    consumer = Consumer({**sluiceway.bootstrap, "group.id": GROUP})
    (committed,) = consumer.committed([TopicPartition(TOPIC, 1)], timeout=20)
    consumer.assign([committed])
    values = [message.value() for message in consumer.consume(1, timeout=20)]
    consumer.close()
    return committed.offset, values


async def register(sluiceway: Sluiceway, name: str) -> int:
    """Register a schema of that name and return its id."""
    schema = json.dumps({"type": "record", "name": name, "fields": []})
    url = f"{registry_url(sluiceway.registry)}/subjects/{name}-value/versions"
    async with httpx.AsyncClient(trust_env=False) as client:
        response = await client.post(url, json={"schema": schema}, timeout=20)
    return int(response.raise_for_status().json()["id"])


async def test_everything_survives_kill_9_of_the_supervisor(sluiceway: Sluiceway) -> None:
    """No process is left after `kill -9`, and the next start has the same topics, records, offsets and schema ids."""
    code, said = await sluiceway("up", "--detach", "--only", "kafka,registry")
    assert code == 0, said
    assert f"127.0.0.1:{sluiceway.kafka}" in said
    await asyncio.to_thread(write_something, sluiceway)
    ids = [await register(sluiceway, name) for name in ("First", "Second")]

    running = await sluiceway.status()
    assert (running["exit"], running["phase"], running["ready"]) == (0, "ready", True)
    supervisor = psutil.Process(running["pid"])
    family = [supervisor, *supervisor.children(recursive=True)]
    assert {service["pid"] for service in running["services"]} < {process.pid for process in family}
    listening = {c.laddr[0] for p in family for c in p.net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    assert listening <= {"127.0.0.1", "::ffff:127.0.0.1"}
    supervisor.send_signal(signal.SIGKILL)
    _, alive = await asyncio.to_thread(psutil.wait_procs, family, 20)
    assert not alive
    assert await status(StateFile(sluiceway.data_dir)) == DOWN

    code, said = await sluiceway("up", "--detach", "--only", "kafka,registry")
    assert code == 0, said
    assert await asyncio.to_thread(read_on, sluiceway) == (2, [b"2"])
    assert [await register(sluiceway, name) for name in ("Second", "First", "Third")] == [ids[1], ids[0], ids[1] + 1]
    assert await sluiceway("down") == (0, "stopped\n")
    down = await sluiceway.status()
    assert (down["exit"], down["phase"], down["services"]) == (3, "down", [])


async def test_a_taken_port_is_told_without_a_traceback(sluiceway: Sluiceway) -> None:
    """`up` on a taken port ends with one message that names port, owner and setting, and leaves nothing behind."""
    async with await asyncio.start_server(lambda *_: None, "127.0.0.1", sluiceway.kafka):
        code, said = await sluiceway("up", "--only", "kafka")
    assert code == 2
    assert said.startswith(f"error: port {sluiceway.kafka}, wanted by kafka, is taken by ")
    assert "SLUICEWAY_PORTS__KAFKA=<free port>" in said
    assert len(said.splitlines()) == 1
    assert await status(StateFile(sluiceway.data_dir)) == DOWN


async def test_ctrl_c_stops_a_foreground_run(sluiceway: Sluiceway) -> None:
    """A foreground run prints its table, ends with 0 at Ctrl-C and takes its servers along."""
    process = await sluiceway.begin("up", "--only", "kafka")
    assert process.stdout
    async for line in process.stdout:
        if b"Ctrl-C" in line:
            break
    family = psutil.Process(process.pid).children(recursive=True)
    assert family
    process.send_signal(signal.SIGINT)
    rest = await process.stdout.read()
    assert await process.wait() == 0
    assert rest.endswith(b"stopped\n")
    assert not [child for child in family if child.is_running()]
