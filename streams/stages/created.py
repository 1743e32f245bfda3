"""What we are just creating, told by a source before the answer to our write: it is known by our reference in it."""

import re
from collections.abc import Mapping
from typing import Any

from streams.stages import commands, references
from streams.stages.mapping import Ref
from streams.stages.work import Work

MARKED: Mapping[tuple[str, str], str] = {("quickbooks", "Customer"): "Notes"}
"""Where a vendor's objects carry our name of them; documents need none, their id follows from the vendor's."""
REFERENCE = re.compile(r"(?<!\S)sluiceway:((party)/([0-9a-f-]{36}))(?!\S)")


def recognise(work: Work, ref: Ref, body: Mapping[str, Any]) -> None:
    """Let an object that nobody knows yet be the entity whose creation we asked for, and whose answer has not come.

    Once it has, the same reference in another object says nothing: people copy records.
    """
    note = body.get(MARKED.get((ref.vendor, ref.object), ""))
    for key, entity, id_ in REFERENCE.findall(note) if isinstance(note, str) else ():
        asked = commands.sent(work, ref.vendor, key)
        if asked is not None and asked.waits and asked.remote_id is None and work.get(entity, id_) is not None:
            work.link(ref, entity, work.standing(entity, id_), "", key)
            references.arrived(work, ref, work.standing(entity, id_))
            return
