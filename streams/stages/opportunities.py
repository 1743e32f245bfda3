"""Salesforce opportunities: the sign that one is won, and the snapshot that an order is built from.

An opportunity that is won only asks for its snapshot, which has lines, products and contacts; the order is built from
that alone.
"""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from connectors.errors import MappingError
from connectors.kafka.records import VendorRecord
from streams.stages import commands, content, deciders, orders
from streams.stages.absorb import absorb
from streams.stages.bookings import AGREED
from streams.stages.mapping import Ref
from streams.stages.rows import Link
from streams.stages.work import Work

VENDOR, OPPORTUNITY, SNAPSHOT = "salesforce", "Opportunity", "OpportunitySnapshot"


def is_one(ref: Ref) -> bool:
    """Tell whether an object is an opportunity."""
    return (ref.vendor, ref.object) == (VENDOR, OPPORTUNITY)


def object_of(record: VendorRecord) -> str:
    """Return the type under which a record's object is known: a snapshot is one of its opportunity."""
    return OPPORTUNITY if _is_snapshot(record) else record.object


def fetched_as(vendor: str, object_type: str) -> str:
    """Return what to ask for to learn about an object of a type."""
    return SNAPSHOT if (vendor, object_type) == (VENDOR, OPPORTUNITY) else object_type


def take(work: Work, record: VendorRecord, link: Link, body: Mapping[str, Any]) -> None:
    """Take in an opportunity or its snapshot.

    Raises:
        MappingError: the snapshot cannot become an order; names the field.
    """
    snapshot = _is_snapshot(record)
    opportunity = body.get(OPPORTUNITY) if snapshot else body
    if not isinstance(opportunity, Mapping):
        raise MappingError(OPPORTUNITY, "is missing in the snapshot")
    if opportunity.get("IsWon") is not True:
        _note(work, record, link, "")
        if link.id is not None:
            orders.end(work, link.id, "LOST" if opportunity.get("IsClosed") is True else "OPEN")
    elif snapshot:
        _win(work, record, link, body)
    else:
        _ask(work, record, link, opportunity)


def _ask(work: Work, record: VendorRecord, link: Link, opportunity: Mapping[str, Any]) -> None:
    """Ask for the snapshot, once per content: a version is a second, in which more than one edit may fall.

    What we wrote ourselves to an order that stands, without another change, is no reason to ask.
    """
    template, order = work.settings.templates.inbound(VENDOR, OPPORTUNITY), work.get("order", link.id)
    digest = content.digest(template, work.settings.fingerprint, {OPPORTUNITY: opportunity}) if template else ""
    echo = record.ours and digest == link.digest and order is not None and order["status"] == AGREED
    if record.source_version > link.source_version or digest != link.digest:
        _note(work, record, link, digest)
        if not echo:
            commands.fetch(work, VENDOR, SNAPSHOT, record.remote_id, record.source_version)


def _note(work: Work, record: VendorRecord, link: Link, digest: str) -> None:
    row = replace(link, source_version=record.source_version, digest=digest, deleted=False)
    work.rows.links.put(row, VENDOR, OPPORTUNITY, record.remote_id)


def _win(work: Work, record: VendorRecord, link: Link, body: Mapping[str, Any]) -> None:
    former = work.get("order", link.id)
    id_ = absorb(work, VENDOR, OPPORTUNITY, body, record.source_version)
    order = work.get("order", id_)
    if order is None or order["customer_id"] is None:
        raise MappingError(
            "customer_id", "is unknown: the opportunity has no account or contact that may be read; add one and save it"
        )
    deciders.remember(work, order, former)
    orders.agree(work, id_, former)


def _is_snapshot(record: VendorRecord) -> bool:
    return (record.vendor, record.object) == (VENDOR, SNAPSHOT)
