"""What a change event says: which records, what happened to them, by whose hand, and which fields it touched.

Events are Avro without container; the header is the first field of every schema, the bitmaps in it number the others
(Change Data Capture Developer Guide, "Change Event Header Fields"). Values are not read: what counts is the record as
it is now, so that only the header is decoded.
"""

import io
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import fastavro

from connectors.errors import DecodeError
from connectors.wire import loads

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SYSTEM = frozenset({"LastModifiedDate", "LastModifiedById", "SystemModstamp", "LastViewedDate", "LastReferencedDate"})
"""Touched by every change, or by none that counts."""
_BITS = re.compile(r"(?:(\d+)-)?0[xX]([0-9A-Fa-f]+)")


@dataclass(frozen=True, slots=True)
class Change:
    """One change event.

    Attributes:
        object: e.g. `Contact`.
        ids: of the records that changed alike; one with `*` stands for all of its prefix.
        kind: `CREATE`, `UPDATE`, `DELETE`, `UNDELETE`, one of these after `GAP_`, or `GAP_OVERFLOW`.
        committed: when.
        origin: by what interface, `com/salesforce/api/rest/67.0;client=…`; `""` for changes from inside.
        user: the id of who did it.
        fields: what an update touched, parts of compound fields as `Name.FirstName`; None: unknown, or all.
    """

    object: str
    ids: tuple[str, ...]
    kind: str
    committed: datetime
    origin: str
    user: str
    fields: frozenset[str] | None

    @property
    def uncounted(self) -> bool:
        """Tell whether it does not name its records: all that changed must be looked for."""
        return self.kind == "GAP_OVERFLOW" or any("*" in record_id for record_id in self.ids)

    def by(self, client: str) -> bool:
        """Tell whether it was made through the API by the program of this name."""
        return f"client={client}" in (part.rstrip("/") for part in self.origin.split(";"))

    def touches(self, read: Collection[str]) -> bool:
        """Tell whether it may have changed one of the fields that are read; only of an update it may be known."""
        if self.kind != "UPDATE" or self.fields is None:
            return True
        return any(_touches(field, read) for field in self.fields - SYSTEM)


def _touches(field: str, read: Collection[str]) -> bool:
    """Tell whether one changed field is read: as it is, as a part of an address or name, or through a reference."""
    parent, _, part = field.partition(".")
    stem = parent.removesuffix("Address")
    reference = parent.removesuffix("Id") if parent.endswith("Id") else parent.removesuffix("__c") + "__r"
    for name in read:
        if name in {field, parent, part or parent} or name.startswith(f"{reference}."):
            return True
        if stem != parent and name.startswith(stem) and (not part or name.endswith(part)):
            return True
    return parent == "Name" and bool({"FirstName", "LastName", "Salutation"} & set(read))


class EventSchema:
    """One version of an object's event.

    Raises:
        DecodeError: the text is not a change event's schema.
    """

    def __init__(self, text: str) -> None:
        try:
            schema = loads(text)
            self._fields = [(field["name"], _parts(field["type"])) for field in schema["fields"]]
            self._header = fastavro.parse_schema({**schema, "fields": schema["fields"][:1]})
        except (ValueError, KeyError, TypeError, fastavro.schema.SchemaParseException) as error:
            raise DecodeError(f"salesforce: the schema of an event is unreadable: {error}") from None

    def read(self, payload: bytes) -> Change:
        """Decode one event.

        Raises:
            DecodeError: it does not follow this schema.
        """
        try:
            event: Any = fastavro.schemaless_reader(io.BytesIO(payload), self._header, None)
            return self._change(event[self._fields[0][0]])
        except (EOFError, IndexError, KeyError, ValueError, TypeError) as error:
            raise DecodeError(f"salesforce: an event does not follow its schema: {error!r}") from None

    def _change(self, header: Mapping[str, Any]) -> Change:
        bitmaps = [*header["changedFields"], *header["nulledFields"], *(header.get("diffFields") or ())]
        return Change(
            object=header["entityName"],
            ids=tuple(header["recordIds"]),
            kind=header["changeType"],
            committed=EPOCH + timedelta(milliseconds=header["commitTimestamp"]),
            origin=header.get("changeOrigin") or "",
            user=header.get("commitUser") or "",
            fields=self._touched(bitmaps) if bitmaps else None,
        )

    def _touched(self, bitmaps: Sequence[str]) -> frozenset[str] | None:
        """Return the fields whose bits are set; None if a bit has no field: then nothing is sure."""
        touched = set[str]()
        for bitmap in bitmaps:
            match = _BITS.fullmatch(bitmap)
            if match is None:
                return None
            names = self._names(match[1])
            bits = int(match[2], 16)
            if bits.bit_length() > len(names):
                return None
            touched |= {name for index, name in enumerate(names) if bits >> index & 1}
        return frozenset(touched)

    def _names(self, parent: str | None) -> Sequence[str]:
        if parent is None:
            return [name for name, _ in self._fields]
        if int(parent) >= len(self._fields):
            return []
        name, parts = self._fields[int(parent)]
        return [f"{name}.{part}" for part in parts]


def _parts(kind: Any) -> Sequence[str]:
    """Return the field names of a compound field's record, none for a plain field."""
    return [name for record in _records(kind) for name in record]


def _records(kind: Any) -> Iterator[Sequence[str]]:
    for each in kind if isinstance(kind, list) else [kind]:
        if isinstance(each, Mapping) and each.get("type") == "record":
            yield [field["name"] for field in each["fields"]]
