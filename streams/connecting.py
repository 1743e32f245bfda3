"""Changing a connection: the tenant's inbox is told what decides results, then everybody."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace

from connectors.clock import SystemClock
from connectors.kafka.client import KafkaSettings
from connectors.kafka.codec import Codec
from connectors.kafka.headers import event_headers, traceparent
from connectors.kafka.partition import partition_for
from connectors.kafka.records import Connection, ConnectionChanged, Decision
from connectors.kafka.topics import CONNECTION, INBOX, Topic
from connectors.wire import iso_micros
from streams.connections import Directory
from streams.runtime.types import Output
from streams.sending import send
from streams.stages import telling


async def put(kafka: KafkaSettings, codec: Codec, directory: Directory, wanted: Connection) -> str:
    """Write the connection if it differs from what is, with the next revision; return what was done.

    The tenant's inbox is told first: if we die in between, the same revision is written once more.

    Raises:
        KafkaException, RetryableError: not written; repeat.
    """
    former = directory.get(wanted.tenant)
    if former is not None and replace(wanted, revision=former.revision) == former:
        return f"{wanted.tenant}: unchanged, revision {former.revision}"
    connection = replace(wanted, revision=former.revision + 1 if former else 1)
    changed = _decisive(connection)
    if former is None or replace(_decisive(former), revision=connection.revision) != changed:
        await asyncio.to_thread(_produce, kafka, codec, INBOX, changed)
    await asyncio.to_thread(_produce, kafka, codec, CONNECTION, connection)
    return f"{wanted.tenant}: {'changed' if former else 'connected'}, revision {connection.revision}"


async def remove(kafka: KafkaSettings, codec: Codec, former: Connection) -> None:
    """End a connection: the inbox is told of one without vendors, then the record is deleted.

    Raises:
        KafkaException, RetryableError: not written; repeat.
    """
    ended = replace(former, revision=former.revision + 1, vendors={})
    await asyncio.to_thread(_produce, kafka, codec, INBOX, _decisive(ended))
    await asyncio.to_thread(_produce, kafka, codec, CONNECTION, ended, gone=True)


async def decide(kafka: KafkaSettings, codec: Codec, *decisions: Decision) -> None:
    """Tell a tenant's inbox what a person decided.

    Raises:
        KafkaException, RetryableError: not all written; repeat.
    """
    await asyncio.to_thread(_produce, kafka, codec, INBOX, *decisions)


def _decisive(connection: Connection) -> ConnectionChanged:
    """Return what of a connection decides results."""
    return ConnectionChanged(
        tenant=connection.tenant,
        revision=connection.revision,
        vendors={name: vendor.account for name, vendor in connection.vendors.items()},
        zone=connection.zone,
        currency=connection.currency,
        mappings=connection.mappings,
        rules=connection.rules,
        figures=_figures(connection),
        policies=connection.policies,
        custom_fields=connection.custom_fields,
    )


def _figures(connection: Connection) -> Mapping[str, Mapping[str, str]]:
    """Return how figures are told, of the vendors that say it."""
    said = {name: telling.settings_of(vendor.settings) for name, vendor in connection.vendors.items()}
    return {name: settings for name, settings in said.items() if settings}


def _produce(
    kafka: KafkaSettings,
    codec: Codec,
    topic: Topic,
    *records: Connection | ConnectionChanged | Decision,
    gone: bool = False,
) -> None:
    """Write records, or the tombstone in the place of one."""
    send(
        kafka,
        (
            Output(
                topic.name,
                partition_for(record.tenant, kafka.partitions),
                record.tenant.encode(),
                None if gone else codec.encode(topic, record),
                _headers(record),
            )
            for record in records
        ),
    )


def _headers(record: Connection | ConnectionChanged | Decision) -> Sequence[tuple[str, bytes]]:
    version = iso_micros(record.decided_at) if isinstance(record, Decision) else str(record.revision)
    about = f"connection/{record.tenant}"
    if isinstance(record, Decision):
        about = f"decision/{record.tenant}/{record.review or record.party or record.order}"
    return event_headers(
        schema=record.SCHEMA,
        event_id=f"{about}/{version}",
        source="/sluiceway/console",
        at=SystemClock().now(),
        trace=traceparent(None, secrets.token_hex),
        tenant=record.tenant,
        origin="cli",
        version=version,
    )
