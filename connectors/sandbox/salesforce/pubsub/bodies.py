"""What a change event says of a record: its values, and which fields changed, as bitmaps."""

import difflib
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from connectors.sandbox.salesforce.fields import Field, moment_of
from connectors.sandbox.salesforce.pubsub.layout import Slot

# Long texts travel as a difference from this length on ("Change Event Fields: diffFields").
_LONG_TEXT = 1_000


@dataclass(slots=True)
class Bits:
    """Field positions, shown in the header as `0xHEX` for the event's own fields and `p-0xHEX` inside field p."""

    own: int = 0
    nested: dict[int, int] = field(default_factory=dict)

    def add(self, index: int, part: int | None = None) -> None:
        """Set the bit of a field, or of a part of a compound field."""
        if part is None:
            self.own |= 1 << index
        else:
            self.nested[index] = self.nested.get(index, 0) | 1 << part

    def shown(self) -> list[str]:
        """The header's array."""
        own = [hexadecimal(self.own)] if self.own else []
        return own + [f"{index}-{hexadecimal(bits)}" for index, bits in sorted(self.nested.items())]


@dataclass(slots=True)
class Body:
    """Values by event field, those without a change left out, and the three bitmaps."""

    values: dict[str, Any] = field(default_factory=dict)
    changed: Bits = field(default_factory=Bits)
    nulled: Bits = field(default_factory=Bits)
    diffs: Bits = field(default_factory=Bits)


def hexadecimal(bits: int) -> str:
    """Whole bytes, most significant first, upper case: bit 0 is the least significant one."""
    return "0x" + bits.to_bytes((bits.bit_length() + 7) // 8, "big").hex().upper()


def whole(slots: Sequence[Slot], record: Mapping[str, Any]) -> Body:
    """Every value of a record: of one that was made, or came back from the bin."""
    body = Body()
    for slot in slots:
        value = _value(slot, record)
        if value is not None:
            body.values[slot.name] = value
    return body


def difference(slots: Sequence[Slot], before: Mapping[str, Any], after: Mapping[str, Any]) -> Body:
    """What an update changed."""
    body = Body()
    for index, slot in enumerate(slots, start=1):
        if slot.field is not None:
            _compare(body, index, slot, slot.field, before, after)
        else:
            _compare_parts(body, index, slot, before, after)
    return body


def _compare(
    body: Body, index: int, slot: Slot, field_: Field, before: Mapping[str, Any], after: Mapping[str, Any]
) -> None:
    old, new = before.get(field_.name), after.get(field_.name)
    if old == new:
        return
    body.changed.add(index)
    if new is None:
        body.nulled.add(index)
        return
    body.values[slot.name] = avro_value(field_, new)
    if field_.kind == "textarea" and isinstance(old, str) and min(len(old), len(new)) >= _LONG_TEXT:
        body.values[slot.name] = _unified(old, new)
        body.diffs.add(index)


def _compare_parts(body: Body, index: int, slot: Slot, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    changed = [
        (number, part)
        for number, part in enumerate(slot.parts)
        if before.get(part.field.name) != after.get(part.field.name)
    ]
    if not changed:
        return
    if all(after.get(part.field.name) is None for part in slot.parts):
        # Emptied at once: the bit of the compound itself.
        body.changed.add(index)
        body.nulled.add(index)
        return
    values: dict[str, Any] = {}
    for number, part in changed:
        body.changed.add(index, number)
        values[part.name] = avro_value(part.field, after.get(part.field.name))
        if values[part.name] is None:
            body.nulled.add(index, number)
    body.values[slot.name] = values


def _value(slot: Slot, record: Mapping[str, Any]) -> Any:
    if slot.field is not None:
        return avro_value(slot.field, record.get(slot.field.name))
    parts = {part.name: avro_value(part.field, record.get(part.field.name)) for part in slot.parts}
    return parts if any(value is not None for value in parts.values()) else None


def avro_value(field_: Field, value: Any) -> Any:
    """A stored value as the schema has it: numbers as doubles, dates and instants as epoch milliseconds (UTC)."""
    if isinstance(value, Decimal):
        return int(value) if field_.kind == "int" else float(value)
    if value is not None and field_.kind == "date":
        return int(datetime.combine(date.fromisoformat(value), datetime.min.time(), UTC).timestamp()) * 1000
    if value is not None and field_.kind == "datetime":
        return milliseconds(moment_of(value))
    return value


def milliseconds(moment: datetime) -> int:
    """Since 1970."""
    return int(moment.timestamp()) * 1000 + moment.microsecond // 1000


def _unified(old: str, new: str) -> str:
    """A unified diff whose new name is the text's SHA-256, so that a reader can check what it rebuilt."""
    name = hashlib.sha256(new.encode()).hexdigest()
    lines: Iterable[str] = difflib.unified_diff(
        old.splitlines(keepends=True), new.splitlines(keepends=True), "", name, n=0
    )
    return "".join(line if line.endswith("\n") else line + "\n" for line in lines)
