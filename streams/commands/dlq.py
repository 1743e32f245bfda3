"""`sluiceway dlq`: what could not be delivered, with the reason and the original bytes; and sending it again."""

import base64
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
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
from streams.dead_letters import PREFIX, original
from streams.runtime.types import Record
from streams.sending import send
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
    """Look at dead letters, and send them again."""


@dlq.command("list")
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="of each partition, the latest"
)
@click.option("--json", "as_json", is_flag=True, help="print JSON, all headers included")
def list_(limit: int, *, as_json: bool) -> None:
    """Show the latest dead letters."""
    kafka = Settings().kafka
    letters = [
        _letter(message)
        for partition in partitions(kafka, DLQ.name)
        for message in deque(_read(kafka, partition), limit)
    ]
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
    letter = _letter(_at(settings.kafka, place))
    shown = letter.as_json() | _content(settings, letter.value)
    click.echo(json.dumps(shown, indent=2, ensure_ascii=False, default=_text))


@dlq.command("replay")
@click.argument("places", metavar="TOPIC/PARTITION/OFFSET...", nargs=-1, required=True)
def replay(places: Sequence[str]) -> None:
    """Send dead letters again, in the order given, to where they were consumed from; correct what was wrong before.

    What came meanwhile is newer and stands, and what was done is not done twice. The letters stay where they are; what
    fails again is a new one.
    """
    kafka = Settings().kafka
    letters = [_at(kafka, place) for place in places]
    outputs = [original(_record(letter)) for letter in letters]
    send(kafka, outputs)
    for place, output in zip(places, outputs, strict=True):
        click.echo(f"{place}  sent to {output.topic}/{output.partition}")


def _at(kafka: KafkaSettings, place: str) -> Message:
    """Return the dead letter at a place.

    Raises:
        FatalError: there is none.
    """
    topic, _, rest = place.partition("/")
    partition, _, offset = rest.partition("/")
    if topic != DLQ.name or not partition.isdigit() or not offset.isdigit():
        raise FatalError(f"{place} is no place of a dead letter; write it as `dlq list` does, e.g. {DLQ.name}/3/17")
    message = next(_read(kafka, int(partition), int(offset)), None)
    if message is None or message.offset() != int(offset):
        raise FatalError(f"there is no dead letter at {place}; `sluiceway dlq list` shows those that are")
    return message


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


def _read(kafka: KafkaSettings, partition: int, offset: int = OFFSET_BEGINNING) -> Iterator[Message]:
    """Yield the dead letters of a partition, from an offset to its end."""
    if partition not in partitions(kafka, DLQ.name):
        raise FatalError(f"{DLQ.name} has no partition {partition}; `sluiceway dlq list` shows what there is")
    return messages(kafka, DLQ.name, partition, offset)


def _letter(message: Message) -> Letter:
    record = _record(message)
    headers = {name: _text(value) for name, value in record.headers}
    return Letter(record.partition, record.offset, _text(record.key), record.value or b"", headers)


def _record(message: Message) -> Record:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return Record(
        topic=message.topic() or "",
        partition=message.partition() or 0,
        offset=message.offset() or 0,
        key=_bytes(message.key()),
        value=_bytes(message.value()),
        headers=[(name, _bytes(value) or b"") for name, value in pairs],
        timestamp=0,
    )


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else "" if value is None else str(value)


def _bytes(value: str | bytes | None) -> bytes | None:
    return value.encode() if isinstance(value, str) else value


COMMANDS = (dlq,)
