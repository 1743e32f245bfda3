"""What operators see: dead letters and `check`, on a real broker and a real registry."""

import json
from base64 import b64decode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

from connectors.errors import MappingError
from connectors.kafka.codec import Codec, LocalIds
from connectors.kafka.records import Command
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import COMMAND
from streams.commands.reading import messages
from streams.runtime.breaker import Breaker, BreakerRule
from streams.runtime.guard import Guard
from streams.runtime.layers import Layer
from streams.runtime.types import Output, Record
from streams.settings import Kafka, Registry
from tests.integration.kafka.conftest import PARTITIONS, sluiceway


def broken(_record: Record, _layer: Layer) -> Sequence[Output]:
    """Fail as a mapping does."""
    raise MappingError("Opportunity.Amount", "is no number")


class Nothing:
    """A state without rows."""

    def get(self, _key: bytes) -> None:
        """Return no row."""

    def scan(self, _prefix: bytes) -> Any:
        """Yield no row."""
        return iter(())


async def dead(environ: dict[str, str], value: bytes, partition: int = 2) -> str:
    """Have the guard give a record up, produce its letter; return where that is."""
    guard = Guard("transform", Codec(LocalIds()), PARTITIONS, 1_000_000, lambda: datetime(2026, 1, 2, tzinfo=UTC))
    record = Record("inbox.v1", partition, 17, b"acme", value, [("x-tenant", b"acme"), ("n", b"\xff")], 0)
    work = await guard.run([record], Nothing(), broken, Breaker(BreakerRule(50, 1.0, 100)))
    letter = work.outputs[0]
    placed: list[int | None] = []
    producer = Producer({"bootstrap.servers": environ["SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS"]})
    producer.produce(
        letter.topic,
        letter.value,
        letter.key,
        letter.partition,
        headers=list(letter.headers),
        on_delivery=lambda _, message: placed.append(message.offset()),
    )
    assert producer.flush(20) == 0
    return f"dlq.v1/{partition}/{placed[0]}"


async def test_a_dead_letter_is_listed_with_its_reason(environ: dict[str, str]) -> None:
    """Place, origin, tenant, stage and error in a line, the reason in the next; JSON has every header."""
    place = await dead(environ, b"not avro")
    listed = await sluiceway(environ, "dlq", "list")
    assert listed.exit_code == 0, listed.stderr
    lines = listed.stdout.splitlines()
    at = lines.index(f"{place}  from inbox.v1/2/17  acme  transform  MappingError")
    assert "is no number" in lines[at + 1]
    assert lines[-1].endswith("dead letters shown")
    (letter,) = [
        letter
        for letter in json.loads((await sluiceway(environ, "dlq", "list", "--json")).stdout)
        if letter["place"] == place
    ]
    assert (letter["key"], letter["origin"]) == ("acme", "inbox.v1/2/17")
    assert (letter["headers"]["x-field"], letter["headers"]["x-attempt"]) == ("Opportunity.Amount", "1")
    assert letter["headers"]["n"] == "\N{REPLACEMENT CHARACTER}"


async def test_the_limit_keeps_the_latest_of_each_partition(environ: dict[str, str]) -> None:
    """One of partition 3, and it is the last one."""
    await dead(environ, b"1", partition=3)
    last = await dead(environ, b"2", partition=3)
    letters = json.loads((await sluiceway(environ, "dlq", "list", "--limit", "1", "--json")).stdout)
    assert [letter["place"] for letter in letters if letter["place"].startswith("dlq.v1/3/")] == [last]


async def test_show_decodes_what_can_be_decoded(environ: dict[str, str]) -> None:
    """The record with its type, and always the original bytes."""
    ids = RegistryIds(Registry(url=environ["SLUICEWAY_REGISTRY__URL"]))
    await ids.warm([COMMAND])
    command = Command("acme", "quickbooks", "PUT", "invoice", "order-1", "party-1", 7)
    value = Codec(ids).encode(COMMAND, command)
    ids.close()
    shown = await sluiceway(environ, "dlq", "show", await dead(environ, value))
    assert shown.exit_code == 0, shown.stderr
    letter = json.loads(shown.stdout)
    assert (letter["type"], letter["record"]["tenant"]) == (Command.SCHEMA, "acme")
    assert b64decode(letter["bytes_base64"]) == value


@pytest.mark.parametrize("value", [b"not avro", b"", b"\x00\x7f\xff\xff\xffbody"])
async def test_show_has_the_bytes_of_what_cannot_be_decoded(environ: dict[str, str], value: bytes) -> None:
    """Broken bytes, none at all, or a schema nobody knows: why, and the bytes."""
    shown = await sluiceway(environ, "dlq", "show", await dead(environ, value))
    assert shown.exit_code == 0, shown.stderr
    letter = json.loads(shown.stdout)
    assert letter["undecodable"]
    assert b64decode(letter["bytes_base64"]) == value


async def test_a_dead_letter_is_sent_back_to_where_it_came_from(environ: dict[str, str]) -> None:
    """Key, bytes and own headers are what was consumed; nothing of the letter comes along."""
    place = await dead(environ, b"as it came")
    sent = await sluiceway(environ, "dlq", "replay", place)
    assert sent.exit_code == 0, sent.stderr
    assert sent.stdout == f"{place}  sent to inbox.v1/2\n"
    kafka = Kafka(bootstrap_servers=environ["SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS"])
    (again,) = [one for one in messages(kafka, "inbox.v1", 2, OFFSET_BEGINNING) if one.value() == b"as it came"]
    assert (again.key(), again.headers()) == (b"acme", [("x-tenant", b"acme"), ("n", b"\xff")])


@pytest.mark.parametrize("place", ["dlq.v1/2/999999", "inbox.v1/0/0", "dlq.v1/x/1", "dlq.v1/1"])
async def test_a_place_without_a_letter_says_so(environ: dict[str, str], place: str) -> None:
    """One line that names the place, and `dlq list` as the way out; no traceback."""
    shown = await sluiceway(environ, "dlq", "show", place)
    assert shown.exit_code == 2
    assert place in shown.stderr
    assert "dlq list" in shown.stderr
    assert shown.stderr.count("\n") == 1


async def test_looking_moves_nothing(environ: dict[str, str]) -> None:
    """`list` and `show` commit no offsets."""
    await sluiceway(environ, "dlq", "show", await dead(environ, b"x"))
    await sluiceway(environ, "dlq", "list")
    reader = Consumer({"bootstrap.servers": environ["SLUICEWAY_KAFKA__BOOTSTRAP_SERVERS"], "group.id": "sluiceway-dlq"})
    committed = reader.committed([TopicPartition("dlq.v1", partition) for partition in range(PARTITIONS)], timeout=20)
    reader.close()
    assert all(at.offset < 0 for at in committed)


async def test_check_finds_everything_in_order(environ: dict[str, str]) -> None:
    """Prints each setting, the key masked, and ends with 0."""
    checked = await sluiceway(environ, "check")
    assert (checked.exit_code, checked.stderr) == (0, "")
    lines = checked.stdout.splitlines()
    assert f"SLUICEWAY_REGISTRY__URL={environ['SLUICEWAY_REGISTRY__URL']}" in lines
    assert "SLUICEWAY_TOKEN_KEY=***" in lines
    assert environ["SLUICEWAY_TOKEN_KEY"] not in checked.stdout
    assert lines[-1] == "everything is in order"


async def test_check_names_every_problem_at_once(environ: dict[str, str]) -> None:
    """A host with a scheme, no key, a registry nobody runs: a line each, with the setting or the remedy."""
    wrong = environ | {
        "SLUICEWAY_ALLOW_HOSTS": '["https://shop.example/"]',
        "SLUICEWAY_TOKEN_KEY": "no key!",
        "SLUICEWAY_REGISTRY__URL": "http://127.0.0.1:9",
    }
    checked = await sluiceway(wrong, "check")
    assert checked.exit_code == 2
    lines = checked.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("error: ") for line in lines)
    for named in ("'https://shop.example/' is no host name", "SLUICEWAY_TOKEN_KEY is not base64", "127.0.0.1:9"):
        assert any(named in line for line in lines), checked.stderr
    assert "everything is in order" not in checked.stdout
