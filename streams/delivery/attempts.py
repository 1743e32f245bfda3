"""Attempts: what is recorded before a write is sent, so that it can be told whether, and repeated as, it was sent."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid5

from connectors import wire
from connectors.ports import Call
from streams.delivery.outbox import NAMESPACE
from streams.delivery.rows import AttemptRow
from streams.delivery.todo import Todo


@dataclass(frozen=True, slots=True)
class Ready:
    """A todo whose call may be sent.

    Attributes:
        digest: of operation and body.
        adopted: the object was discovered at the vendor just now.
    """

    todo: Todo
    call: Call
    digest: str
    adopted: bool = False

    def attempt(self, now: datetime) -> AttemptRow:
        """Return the row to be committed before the call."""
        call = self.call
        return AttemptRow(
            todo=self.todo.row.offset,
            object=call.object,
            version=self.todo.command.version,
            request_id=call.request_id,
            digest=self.digest,
            first_at=call.attempted_at or now,
            at=now,
            remote_id=call.remote.id if call.remote else None,
        )


def digest_of(operation: str, body: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what is asked, references filled in; hexadecimal."""
    return hashlib.sha256(operation.encode() + b"\n" + wire.dumps(body)).hexdigest()


def request_id(todo: Todo, digest: str) -> str:
    """Return the idempotency key: equal for every repeat of the same content, 36 characters."""
    command = todo.command
    return str(uuid5(NAMESPACE, f"{command.tenant}/{command.vendor}/{command.object_key}/{command.version}/{digest}"))
