"""Won opportunities: the sign, the snapshot, the order and its episodes.

An opportunity that is won only asks for its snapshot; the order is built from that alone. An episode begins when an
order is found won and ends when it is reopened, lost or deleted, which voids the episode's document.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from hashlib import sha256
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import Entity, VendorRecord
from streams.stages import commands, money, rules
from streams.stages.absorb import absorb, version_in
from streams.stages.mapping import Ref
from streams.stages.rows import Contacts, Link
from streams.stages.work import Work

VENDOR, OPPORTUNITY, SNAPSHOT = "salesforce", "Opportunity", "OpportunitySnapshot"
ACCOUNTS = "quickbooks"
DOCUMENTS: Mapping[str, str] = {"INVOICE": "Invoice", "SALES_RECEIPT": "SalesReceipt"}


def object_of(record: VendorRecord) -> str:
    """Return the type under which a record's object is known: a snapshot is one of its opportunity."""
    return OPPORTUNITY if _is_snapshot(record) else record.object


def fetched_as(vendor: str, object_type: str) -> str:
    """Return what to ask for to learn about an object of a type."""
    return SNAPSHOT if (vendor, object_type) == (VENDOR, OPPORTUNITY) else object_type


def document_key(order: Entity) -> str:
    """Return our name of the order's document in the accounts."""
    return f"order/{order['id']}/{order['episode']}"


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
            end(work, link.id, "LOST" if opportunity.get("IsClosed") is True else "OPEN")
    elif snapshot:
        _win(work, record, body)
    else:
        _ask(work, record, link)


def _ask(work: Work, record: VendorRecord, link: Link) -> None:
    """Ask for the snapshot, once per content: a version is a second, in which more than one edit may fall."""
    digest = sha256(record.body).hexdigest()
    if record.source_version > link.source_version or digest != link.digest:
        _note(work, record, link, digest)
        commands.fetch(work, VENDOR, SNAPSHOT, record.remote_id, record.source_version)


def _note(work: Work, record: VendorRecord, link: Link, digest: str) -> None:
    row = replace(link, source_version=record.source_version, digest=digest, deleted=False)
    work.rows.links.put(row, VENDOR, OPPORTUNITY, record.remote_id)


def _win(work: Work, record: VendorRecord, body: Mapping[str, Any]) -> None:
    _parties_and_products(work, record.source_version, body)
    id_ = absorb(work, VENDOR, OPPORTUNITY, body, record.source_version)
    order = work.get("order", id_)
    if order is None or order["customer_id"] is None:
        raise MappingError(
            "customer_id", "is unknown: the opportunity has no account or contact that may be read; add one and save it"
        )
    episode = order["episode"] if order["status"] == "WON" else order["episode"] + 1
    won = {**order, "status": "WON", "episode": episode, "total": _total(order["lines"])}
    if order["contact_id"] is not None:
        _remember(work, order["customer_id"], order["contact_id"])
    verdict = rules.judge(
        work.settings.rules, won, work.get("party", order["customer_id"]), work.get("party", order["contact_id"])
    )
    work.save("order", _decided(work, {**won, **verdict.fields}))
    work.won[id_] = verdict


def _decided(work: Work, order: Entity) -> Entity:
    """Return the order with the kind of document that its episode has already; that cannot change any more."""
    former = commands.sent(work, ACCOUNTS, document_key(order))
    kinds = {object_type: kind for kind, object_type in DOCUMENTS.items()}
    return {**order, "document": kinds[former.object]} if former is not None else order


def _parties_and_products(work: Work, version: str, body: Mapping[str, Any]) -> None:
    if body.get("Account"):
        _part(work, "Account", body["Account"], version)
    for role in body.get("ContactRoles") or ():
        if role.get("Contact"):
            _part(work, "Contact", role["Contact"], version)
    for line in body.get("Lines") or ():
        if line.get("Product2"):
            _part(work, "Product2", line["Product2"], version)


def _part(work: Work, object_type: str, body: Mapping[str, Any], version: str) -> None:
    """Take in an object that came with the snapshot, unless a newer version of it is known."""
    own = version_in(work, VENDOR, object_type, body) or version
    link = work.linked(Ref(VENDOR, object_type, str(body.get("Id"))))
    if not link.newer_than(own):
        absorb(work, VENDOR, object_type, body, own)


def _remember(work: Work, customer_id: str, contact_id: str) -> None:
    known = work.rows.contacts.get(customer_id)
    others = [id_ for id_ in known.ids if id_ != contact_id] if known else []
    work.rows.contacts.put(Contacts([contact_id, *others]), customer_id)


def _total(lines: Sequence[Mapping[str, Any]]) -> Decimal:
    total = Decimal(0)
    for line in lines:
        total = money.CONTEXT.add(total, line["amount"])
    return total


def end(work: Work, id_: str, status: str) -> None:
    """End the episode of an order, if one is under way: its document is to be voided."""
    order = work.get("order", id_)
    if order is None or order["status"] != "WON":
        return
    commands.void(work, ACCOUNTS, document_key(order), order["customer_id"])
    work.set("order", id_, status=status)


def _is_snapshot(record: VendorRecord) -> bool:
    return (record.vendor, record.object) == (VENDOR, SNAPSHOT)
