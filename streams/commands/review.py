"""`sluiceway review`: what waits for a person, and what the person says."""

import getpass
import json
from collections.abc import Iterator

import click

from connectors.clock import SystemClock
from connectors.kafka.codec import Codec
from connectors.kafka.partition import partition_for
from connectors.kafka.records import Decision, ReviewItem
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import INBOX, REVIEW
from streams.commands.failures import run
from streams.commands.reading import messages
from streams.connecting import decide
from streams.settings import Settings

TENANT = click.argument("tenant")


@click.group()
def review() -> None:
    """Answer questions, join parties and part them."""


@review.command("list")
@TENANT
@click.option("--all", "everything", is_flag=True, help="those that were answered too")
@click.option("--json", "as_json", is_flag=True, help="print JSON, one question a line")
def list_(tenant: str, *, everything: bool, as_json: bool) -> None:
    """Show what waits for a person, the oldest first."""
    found = {item.id: item for item in _items(Settings(), tenant)}
    items = [item for item in found.values() if item.open or everything]
    for item in items:
        if as_json:
            click.echo(json.dumps(_plain(item), ensure_ascii=False))
            continue
        click.echo(f"{item.id}  {item.at:%Y-%m-%d %H:%M}  {item.kind}  {item.object_key}  {item.reason}")
        for candidate in item.candidates:
            click.echo(f"    {shown(candidate)}")
    if not as_json:
        click.echo(f"{len(items)} questions" if items else "no questions")


def shown(candidate: str) -> str:
    """Return a candidate in one line: score, party, where vendors know it, how fields agree; or both values."""
    value = json.loads(candidate)
    if "refused" in value:
        return f"{value['stands']} stands ({value['set_by']}), {value['refused']} is refused ({value['refused_by']})"
    if "levels" not in value:
        return candidate
    refs = ", ".join("/".join((ref["vendor"], ref["object"], ref["id"])) for ref in value["refs"])
    levels = ", ".join(f"{field} {level}" for field, level in value["levels"].items())
    return f"{value['score']}  {value['party']}  ({refs})  {levels}"


def _plain(item: ReviewItem) -> dict[str, object]:
    candidates = [json.loads(candidate) for candidate in item.candidates]
    rest = {"id": item.id, "at": item.at.isoformat(), "kind": item.kind, "object_key": item.object_key}
    return {**rest, "reason": item.reason, "open": item.open, "candidates": candidates}


@review.command("accept")
@TENANT
@click.argument("id_", metavar="ID")
@click.option("--candidate", default="", metavar="PARTY", help="which party; the likest if left out")
def accept(tenant: str, id_: str, candidate: str) -> None:
    """Say yes: the party is the candidate and they become one, which `review split` undoes; or the other value stands.

    An order that waits goes on.
    """
    _say(tenant, "accept", review=id_, other=candidate)


@review.command("reject")
@TENANT
@click.argument("id_", metavar="ID")
def reject(tenant: str, id_: str) -> None:
    """Say no: the party is none of the candidates, or what stands goes on standing. It is never asked again."""
    _say(tenant, "reject", review=id_)


@review.command("merge")
@TENANT
@click.argument("party")
@click.argument("survivor")
def merge(tenant: str, party: str, survivor: str) -> None:
    """Let PARTY become part of SURVIVOR."""
    _say(tenant, "merge", party=party, other=survivor)


@review.command("split")
@TENANT
@click.argument("party")
def split(tenant: str, party: str) -> None:
    """Restore PARTY, which became part of another, under its former id."""
    _say(tenant, "split", party=party)


def _say(tenant: str, verdict: str, **about: str) -> None:
    settings = Settings()
    decision = Decision(tenant, verdict, SystemClock().now(), by=getpass.getuser(), **about)

    async def work() -> None:
        ids = RegistryIds(settings.registry)
        try:
            await ids.warm([INBOX])
            await decide(settings.kafka, Codec(ids), decision)
        finally:
            ids.close()

    run(work())
    click.echo(f"told {tenant}: {verdict}; it is done, or among the dead letters, when transform has read it")


def _items(settings: Settings, tenant: str) -> Iterator[ReviewItem]:
    ids = RegistryIds(settings.registry)
    codec = Codec(ids)
    try:
        for message in messages(settings.kafka, REVIEW.name, partition_for(tenant, settings.kafka.partitions)):
            value = message.value()
            if isinstance(value, bytes):
                item = codec.decode_as(value, ReviewItem)
                if item.tenant == tenant:
                    yield item
    finally:
        ids.close()


COMMANDS = (review,)
