"""`sluiceway dlq`: what could not be delivered, with the reason and the original bytes."""

import base64
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import click
from confluent_kafka import OFFSET_BEGINNING, Message

from connectors.errors import ConnectorError, DecodeError, FatalError
from connectors.kafka.client import KafkaSettings
from connectors.kafka.codec import Codec
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import DLQ
from streams.commands.reading import messages, partitions
from streams.dead_letters import PREFIX
from streams.settings import Settings


@dataclass(frozen=True, slots=True)
class Letter:
    """A record of `dlq.v1`; header values are text, bytes that are none are replaced."""

    partition: int
    offset: int
    key: str
    value: bytes
    headers: Mapping[str, str]

    @property
    def place(self) -> str:
        """Where it is, as `dlq show` takes it."""
        return f"{DLQ.name}/{self.partition}/{self.offset}"

    @property
    def origin(self) -> str:
        """Where it was consumed from."""
        return "/".join(self.headers.get(PREFIX + part, "?") for part in ("topic", "partition", "offset"))

    def as_json(self) -> dict[str, Any]:
        """Return everything but the value."""
        return {"place": self.place, "origin": self.origin, "key": self.key, "headers": dict(self.headers)}


@click.group()
def dlq() -> None:
    """Look at dead letters."""


@dlq.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="of each partition, the latest"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON, all headers included")
def list_(limit: int, *, as_json: bool) -> None:
    """Show the latest dead letters."""
    kafka = Settings().kafka
    letters = [letter for partition in partitions(kafka, DLQ.name) for letter in deque(_read(kafka, partition), limit)]
    if as_json:
        click.echo(json.dumps([letter.as_json() for letter in letters], indent=2, ensure_ascii=False))
        return
    for letter in letters:
        why = letter.headers
        tenant, stage, error = (why.get(name, "?") for name in ("x-tenant", "x-stage", "x-error-class"))
        click.echo(f"{letter.place}  from {letter.origin}  {tenant}  {stage}  {error}")
        click.echo(f"    {why.get(PREFIX + 'exception.message', '')}")
    click.echo(f"{len(letters)} dead letters shown" if letters else "no dead letters")


@dlq.command("show")
@click.argument("place", metavar="TOPIC/PARTITION/OFFSET")
def show(place: str) -> None:
    """Show one dead letter, its record decoded if it can be."""
    settings = Settings()
    topic, _, rest = place.partition("/")
    partition, _, offset = rest.partition("/")
    if topic != DLQ.name or not partition.isdigit() or not offset.isdigit():
        raise FatalError(f"{place} is no place of a dead letter; write it as `dlq list` does, e.g. {DLQ.name}/3/17")
    letter = next(_read(settings.kafka, int(partition), int(offset)), None)
    if letter is None or letter.offset != int(offset):
        raise FatalError(f"there is no dead letter at {place}; `sluiceway dlq list` shows those that are")
    shown = letter.as_json() | _content(settings, letter.value)
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False, default=_text))


def _content(settings: Settings, value: bytes) -> dict[str, Any]:
    """Return the record if it decodes, and always its bytes."""
    ids = RegistryIds(settings.registry)
    original = {"bytes_base64": base64.b64encode(value).decode()}
    try:
        name, record = Codec(ids).decode(value)
    except (DecodeError, ConnectorError) as error:
        return {"undecodable": str(error)} | original
    finally:
        ids.close()
    return {"type": name, "record": record} | original


def _read(kafka: KafkaSettings, partition: int, offset: int = OFFSET_BEGINNING) -> Iterator[Letter]:
    """Yield the dead letters of a partition, from an offset to its end."""
    if partition not in partitions(kafka, DLQ.name):
        raise FatalError(f"{DLQ.name} has no partition {partition}; `sluiceway dlq list` shows what there is")
    return map(_letter, messages(kafka, DLQ.name, partition, offset))


def _letter(message: Message) -> Letter:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return Letter(
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=_text(message.key()),
        value=_bytes(message.value()),
        headers={name: _text(value) for name, value in pairs},
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else "" if value is None else str(value)


def _bytes(value: str | bytes | None) -> bytes:
    return value if isinstance(value, bytes) else (value or "").encode()


COMMANDS = (dlq,)
