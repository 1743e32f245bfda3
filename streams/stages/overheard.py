"""What a vendor says of fields that we are just writing: its own word, or ours as it spells it? The answer tells.

A source may tell of a write before its answer is here. Until then such fields of such a record wait, all else of it is
taken in. What says the same as the answer is our own word, and so is, until our write, what we had written before; the
rest is the vendor's, as old as the version it came in.
Nobody waits for ever: the answer to the last command that was asked for before it ends that, else a midnight.
"""

from collections.abc import Container, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from connectors.kafka.records import VendorResult
from streams.stages import commands, conflicts, echoes
from streams.stages.mapping import Draft, Ref
from streams.stages.mapping.inbound import draft as read
from streams.stages.merge import ONLY_TRUE, merge
from streams.stages.rows import Overheard, Sent
from streams.stages.work import Work

PATIENCE = timedelta(hours=1)
MOST = 16
"""Versions of one object that wait; of more the oldest is taken in."""


def aside(work: Work, draft: Draft, version: str, object_key: str) -> Draft:
    """Return what a record says, without what only an answer that is awaited can tell of; that waits from now on.

    Args:
        work: the unit of work.
        draft: what the record says.
        version: of the record.
        object_key: our name of the vendor's object.
    """
    ref = draft.ref
    if draft.entity not in commands.NAMED:  # of a document nobody else speaks
        return draft
    asked = commands.sent(work, ref.vendor, object_key)
    if asked is None or not asked.waits or asked.object != ref.object or asked.remote_id not in (None, ref.id):
        return draft
    link = work.linked(ref)
    if link.object_key is None:  # what we are just creating: its next record may come before the answer as well
        work.rows.links.put(replace(link, object_key=object_key), *_key(ref))
    template = work.settings.templates.inbound(ref.vendor, ref.object)
    names = echoes.ours(template, commands.under_way(asked)) if template is not None else ()
    fields = _but(echoes.said(draft, names), ONLY_TRUE)
    if not fields:
        return draft
    work.rows.overheard.put(Overheard(object_key, asked.version, work.at, fields), *_key(ref), version)
    work.rows.sent.put(replace(asked, overheard=True), ref.vendor, object_key)
    waiting = _waiting(work, ref)
    if len(waiting) > MOST:
        _take_in(work, ref, *waiting[0])
    return echoes.without(draft, fields)


def settle(
    work: Work,
    ref: Ref,
    result: VendorResult,
    body: Mapping[str, Any],
    version: str,
    asked: Sent,
    before: Mapping[str, str],
) -> None:
    """Let an answer tell what was whose word.

    Args:
        work: the unit of work.
        ref: the vendor's object.
        result: the answer.
        body: its JSON.
        version: of the object in the answer, "" if it has no content: then nothing was ours.
        asked: the commands that were not answered before.
        before: our words, by field, as the vendor had them until this write.
    """
    template = work.settings.templates.inbound(ref.vendor, ref.object)
    answer: Mapping[str, str] = {}
    if version and template is not None and result.operation == "PUT":
        names = echoes.ours(template, commands.written(asked, result.version))
        answer = echoes.said(read(template, body, work.settings.values), names)
    ours, stands, answered = {**echoes.known(work.rows, ref), **answer}, dict(before), False
    for at, row in _waiting(work, ref):
        if at >= version and not answered:
            stands, answered = {**stands, **answer}, True
        # The answer may be of a later version than our write.
        new = {} if answered else answer
        left = {name: text for name, text in row.fields.items() if text not in (stands.get(name), new.get(name))}
        same = {name: text for name, text in row.fields.items() if name not in left}
        stands = _but({**stands, **same}, left)
        # What is older than an answer is nothing that a later command wrote.
        if row.until <= result.version or at < version:
            ours = _but(ours, left) if answered else ours
            _speak(work, ref, at, left)
            work.rows.overheard.drop(*_key(ref), at)
        elif at == version and not left:
            work.rows.overheard.drop(*_key(ref), at)
    echoes.keep(work.rows, ref, ours)
    now = commands.sent(work, ref.vendor, result.object_key)
    if now is not None:
        still = bool(_waiting(work, ref))
        work.rows.sent.put(replace(now, overheard=still), ref.vendor, result.object_key)


def tick(work: Work) -> None:
    """Take in what has waited for long: its answer will hardly come, and is not waited for any more."""
    for (vendor, object_type, id_, version), row in work.rows.overheard.scan():
        if row.at + PATIENCE > work.at:
            continue
        _take_in(work, Ref(vendor, object_type, id_), version, row)
        asked = commands.sent(work, vendor, row.object_key)
        if asked is not None and asked.version == row.until:
            work.rows.sent.put(replace(asked, waits=False, earlier={}), vendor, row.object_key)


def _take_in(work: Work, ref: Ref, version: str, row: Overheard) -> None:
    known = echoes.known(work.rows, ref)
    left = {name: text for name, text in row.fields.items() if known.get(name) != text}
    echoes.keep(work.rows, ref, _but(known, left))
    _speak(work, ref, version, left)
    work.rows.overheard.drop(*_key(ref), version)


def _but(fields: Mapping[str, str], names: Container[str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if name not in names}


def _speak(work: Work, ref: Ref, version: str, fields: Mapping[str, str]) -> None:
    """Let what waited be the vendor's own word, as old as it is."""
    link = work.linked(ref)
    record = work.get(link.entity, link.id) if link.entity is not None else None
    if record is None or link.entity is None or not fields:
        return
    template = work.settings.templates.inbound(ref.vendor, ref.object)
    try:
        said = {name: conflicts.typed(template, link.entity, name, text) for name, text in fields.items()}
    except ValueError:  # the connection has changed meanwhile
        work.read_anew(ref)
        commands.fetch(work, ref.vendor, ref.object, ref.id, None)
        return
    own = {name: value for name, value in said.items() if not name.startswith(echoes.CUSTOM)}
    custom = {name.removeprefix(echoes.CUSTOM): value for name, value in said.items() if name not in own}
    draft = Draft(link.entity, ref, own, custom, {}, ())
    work.save(link.entity, merge(record, draft, version, work.settings.policies))


def _waiting(work: Work, ref: Ref) -> Sequence[tuple[str, Overheard]]:
    """Return what waits of an object, by version."""
    return [(version, row) for (version,), row in work.rows.overheard.scan(*_key(ref))]


def _key(ref: Ref) -> tuple[str, str, str]:
    return ref.vendor, ref.object, ref.id
