"""Commands: desired states that are sent once per content, fetches, voids."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from itertools import chain
from typing import Any

from msgspec.structs import replace

from connectors.kafka.records import Command, Operation
from connectors.kafka.topics import COMMAND
from connectors.wire import dumps
from streams.stages import rendered
from streams.stages.mapping import Ref
from streams.stages.mapping.outbound import body as render
from streams.stages.rows import Sent
from streams.stages.telling import EVERYTHING
from streams.stages.work import Emit, Work

FETCHES = "fetch"
NAMED = frozenset({"party", "product"})
"""Entities that several systems speak of."""
MOST_EARLIER = 4
"""Sets of fields of commands that are not answered; of more the oldest two become one."""


def sent(work: Work, vendor: str, object_key: str) -> Sent | None:
    """Return what was last asked for a vendor's object."""
    return work.rows.sent.get(vendor, object_key)


def put(
    work: Work,
    template: str,
    object_key: str,
    lane: str,
    records: Mapping[str, Mapping[str, Any] | None],
    remote_id: str | None = None,
    asked: str = "",
) -> None:
    """Ask for the state that an outbound template makes of `records`, unless that was the last thing asked.

    Who waits for an answer, `asked`, gets one: then it is asked once more.

    Nothing is asked of a vendor that is not connected, nor for an object that was voided or deleted.

    Raises:
        MappingError: the template cannot be filled.
    """
    found = work.settings.templates.named(template)
    if found.vendor not in work.settings.vendors:
        return
    former = sent(work, found.vendor, object_key)
    if former is not None and former.closed:
        return
    key, made_of = (work.tenant, found.vendor, object_key), rendered.said(found, work.settings.fingerprint, records)
    if former is not None and former.digest == rendered.digest_of(key, made_of) and not asked:
        return
    told = work.settings.tellings.get(found.vendor, EVERYTHING)
    settings = {**work.settings.values, "figures": told.fields, **(records.get("settings") or {})}
    content = render(found, {**records, "settings": settings})
    body = dumps(content)
    digest = sha256(body).hexdigest()
    rendered.note(key, made_of, digest, len(body))
    if former is not None and former.digest == digest and not asked:
        return
    last = former or Sent(found.object, 0)
    known = last.remote_id or remote_id
    left = [id_ for id_ in last.former_ids if id_ != known]
    fields = sorted(content)
    row = Sent(
        object=last.object,
        version=last.version + 1,
        digest=digest,
        remote_id=known,
        fields=fields,
        former_ids=left,
        waits=last.waits or digest != last.digest,  # the same said again may go unanswered
        earlier=_earlier(last, fields),
        overheard=last.overheard,
    )
    work.rows.sent.set(row, found.vendor, object_key)
    if last.remote_id is None and remote_id is not None:
        _name(work, Ref(found.vendor, found.object, remote_id), object_key)
    anew = former is not None and not former.digest
    _emit(work, found.vendor, "PUT", object_key, lane, row, body.decode(), asked=asked, anew=anew)


def void(work: Work, vendor: str, object_key: str, lane: str) -> bool:
    """Ask to void an object that was asked for, and tell whether there was one; nothing else is asked for it then."""
    former = sent(work, vendor, object_key)
    if former is None or former.closed or vendor not in work.settings.vendors:
        return False
    row = replace(former, version=former.version + 1, digest="", closed=True)
    work.rows.sent.put(row, vendor, object_key)
    _emit(work, vendor, "VOID", object_key, lane, row, "{}")
    return True


def close(work: Work, vendor: str, object_key: str) -> None:
    """Note that an object is void or gone at the vendor."""
    former = sent(work, vendor, object_key)
    if former is not None and not former.closed:
        work.rows.sent.put(replace(former, closed=True), vendor, object_key)


def move(work: Work, vendor: str, object_key: str, remote_id: str | None) -> None:
    """Let what was asked for be asked of another object of the vendor from now on; None: of the next that is known.

    The object that it was is none of ours any more, whatever answers are still to come.
    """
    former = sent(work, vendor, object_key)
    if former is not None and not former.closed:
        left = [id_ for id_ in dict.fromkeys((*former.former_ids, former.remote_id)) if id_ and id_ != remote_id]
        row = replace(former, remote_id=remote_id, digest="", former_ids=left)
        work.rows.sent.put(row, vendor, object_key)
        if remote_id is not None:
            _name(work, Ref(vendor, former.object, remote_id), object_key)


def again(work: Work, vendor: str, object_key: str, object_type: str, remote_id: str) -> None:
    """Let what we have to say of an object be said once more: another's words were written to it."""
    former = sent(work, vendor, object_key) or Sent(object_type, 0)
    if not former.closed:
        work.rows.sent.put(replace(former, remote_id=remote_id, digest=""), vendor, object_key)


def _name(work: Work, ref: Ref, object_key: str) -> None:
    """Note how we call an object that is there without us, from the first command for it on: it may carry our words."""
    link = work.linked(ref)
    if link.object_key is None and link.entity in NAMED:
        work.rows.links.put(replace(link, object_key=object_key), ref.vendor, ref.object, ref.id)


def _earlier(last: Sent, fields: Sequence[str]) -> Mapping[str, Sequence[str]]:
    """Return the fields of the commands before a new one that may not be answered yet; of many the oldest as one."""
    if not last.waits or last.fields == fields:
        return last.earlier if last.waits else {}
    found = {**last.earlier, str(last.version): last.fields}
    if len(found) > MOST_EARLIER:
        first, second, *_ = sorted(found, key=int)
        found[second] = sorted({*found.pop(first), *found[second]})
    return found


def under_way(row: Sent) -> Collection[str]:
    """Return the vendor's fields that commands have which may not be answered yet."""
    return {*row.fields, *chain.from_iterable(row.earlier.values())} if row.waits else ()


def written(row: Sent, version: int) -> Sequence[str]:
    """Return the vendor's fields that the command of a version had, while it is not answered."""
    last = min((int(last) for last in row.earlier if int(last) >= version), default=None)
    return row.fields if last is None else row.earlier[str(last)]


def delivered(work: Work, vendor: str, object_key: str, remote_id: str, version: int) -> bool:
    """Note the answer to a command, and the vendor's id of its object; False: it has left that one meanwhile."""
    former = sent(work, vendor, object_key)
    if former is None:
        return True
    left = remote_id in former.former_ids
    waits = former.waits and version < former.version
    earlier = {last: fields for last, fields in former.earlier.items() if waits and int(last) > version}
    id_ = former.remote_id if left else remote_id
    work.rows.sent.put(replace(former, remote_id=id_, waits=waits, earlier=earlier), vendor, object_key)
    return not left


def fetch(work: Work, vendor: str, object_type: str, remote_id: str, source_version: str | None) -> None:
    """Ask to read an object into the inbox; every wish is sent, connect joins those that wait."""
    if vendor not in work.settings.vendors:
        return
    key = f"fetch/{object_type}/{remote_id}"
    last = sent(work, vendor, key) or Sent(object_type, 0)
    row = Sent(object_type, last.version + 1, remote_id=remote_id)
    work.rows.sent.set(row, vendor, key)
    _emit(work, vendor, "FETCH", key, FETCHES, row, "{}", source_version)


def _emit(
    work: Work,
    vendor: str,
    operation: Operation,
    object_key: str,
    lane: str,
    row: Sent,
    body: str,
    source_version: str | None = None,
    asked: str = "",
    *,
    anew: bool = False,
) -> None:
    command = Command(
        tenant=work.tenant,
        vendor=vendor,
        operation=operation,
        object=row.object,
        object_key=object_key,
        lane=lane,
        version=row.version,
        remote_id=row.remote_id,
        body=body,
        source_version=source_version,
        former_ids=tuple(row.former_ids),
        anew=anew,
    )
    work.emits.append(Emit(COMMAND, work.tenant, command.SCHEMA, command, asked=asked))
