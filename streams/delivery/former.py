"""Objects of a vendor that one of ours was and is not any more, after a merge was undone or at the vendor itself.

From the moment a command that says so is taken in nothing takes ours for one of them: no reference, no row, no answer.
"""

from dataclasses import replace
from datetime import datetime

from connectors.errors import ConnectorError, DuplicateError, RetryableError
from connectors.kafka.records import Command
from connectors.ports import Call, RemoteRef
from streams.delivery.rows import AttemptRow, ObjectRow

TRIES = 6
"""So often, with back-off, a former object may be in the way of a create before a person is asked."""


def told(row: ObjectRow | None, command: Command, now: datetime) -> ObjectRow | None:
    """Return the object's row once a command is taken in, None if it stays as it is.

    What was asked before, wherever it was to go, is older than the row then.
    """
    left = list(command.former_ids)
    if row is None and left:
        row = ObjectRow(command.object, None, 0, "", now)
    if row is None or command.version <= row.version or list(row.former_ids) == left:
        return None
    row = replace(row, version=command.version - 1, former_ids=left)
    return replace(row, remote_id=None, sync_token="", digest="") if row.remote_id in left else row


def overtaken(row: ObjectRow | None, attempt: AttemptRow | None, command: Command) -> bool:
    """Tell whether a command is older than what is known; a create in doubt must be looked for all the same."""
    if row is None or command.version > row.version:
        return False
    return attempt is None or attempt.remote_id in row.former_ids


def in_the_way(call: Call, remote: RemoteRef, tries: int) -> ConnectorError:
    """Return what to do about a former object that a look-up found: its owner's words may be on their way to it."""
    what = f"{call.object} {remote.id} is not {call.object_key} any more, but is still called so"
    return RetryableError(what) if tries < TRIES else DuplicateError(f"{what}; settle it at the vendor")
