"""`sluiceway reconcile`: what identity would make of what the vendors have, before anything is written."""

import json
from collections.abc import Iterator

import click

from connectors.errors import FatalError
from connectors.kafka.codec import Codec
from connectors.kafka.partition import partition_for
from connectors.kafka.records import ConnectionChanged, Decision, Request, Tick, VendorRecord, VendorResult
from connectors.kafka.registry import RegistryIds
from connectors.kafka.topics import INBOX
from streams.commands.reading import messages
from streams.commands.review import shown
from streams.settings import Settings
from streams.stages.mapping import SHIPPED, Templates
from streams.stages.pipeline import Pipeline
from streams.stages.report import Rehearsal, Report, Value

KINDS: dict[str, type[Value]] = {
    kind.SCHEMA: kind for kind in (VendorRecord, VendorResult, ConnectionChanged, Request, Decision, Tick)
}


@click.group()
def reconcile() -> None:
    """Compare what the systems have."""


@reconcile.command("report")
@click.argument("tenant")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object, all questions included")
def report(tenant: str, *, as_json: bool) -> None:
    """Match the recorded customers, contacts and leads of TENANT; nothing is written.

    Connect the vendors paused, let the sources read, then look here before the first sync: linked records have a
    counterpart, ambiguous ones would be put to a person, new ones stand alone.
    """
    settings = Settings()
    ids = RegistryIds(settings.registry)
    codec = Codec(ids)
    rehearsal = Rehearsal(Pipeline(codec, Templates.load(SHIPPED)))
    count = 0
    try:
        for value in recorded(settings, codec, tenant):
            rehearsal.take(value)
            count += 1
    finally:
        ids.close()
    if not count:
        raise FatalError(f"nothing is recorded of tenant {tenant} in {INBOX.name}; is the name right, are sources on?")
    click.echo("\n".join(lines(rehearsal.report(), as_json=as_json)))


def recorded(settings: Settings, codec: Codec, tenant: str) -> Iterator[Value]:
    """Yield what happened to a tenant, in order."""
    for message in messages(settings.kafka, INBOX.name, partition_for(tenant, settings.kafka.partitions)):
        value = message.value()
        if isinstance(value, bytes) and message.key() == tenant.encode():
            name, fields = codec.decode(value)
            if name in KINDS:
                yield KINDS[name](**fields)


def lines(found: Report, *, as_json: bool) -> Iterator[str]:
    """Yield the report as it is printed."""
    if as_json:
        tallies = {
            name: {"linked": t.linked, "ambiguous": t.ambiguous, "new": t.new} for name, t in found.tallies.items()
        }
        questions = [
            {"object_key": item.object_key, "candidates": [json.loads(one) for one in item.candidates]}
            for item in found.questions
        ]
        yield json.dumps({"records": tallies, "questions": questions, "failed": dict(found.failed)}, ensure_ascii=False)
        return
    yield f"{'records':28}{'linked':>10}{'ambiguous':>10}{'new':>10}"
    for name, tally in found.tallies.items():
        yield f"{name:28}{tally.linked:>10}{tally.ambiguous:>10}{tally.new:>10}"
    for item in found.questions[:20]:
        yield f"{item.object_key} may be"
        yield from (f"    {shown(candidate)}" for candidate in item.candidates)
    for reason, times in found.failed.items():
        yield f"{times} records fail: {reason}"


COMMANDS = (reconcile,)
