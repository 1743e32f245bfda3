"""Fields of objects: their kinds, and how a JSON value becomes a stored one.

Stored values are comparable as they are: Decimal for numbers, `YYYY-MM-DD` for dates, `YYYY-MM-DDTHH:MM:SS.mmm+0000`
for instants (always UTC), 18 characters for ids, and None for what is empty.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.ids import canonical_id

NUMBERS = frozenset({"double", "currency", "percent", "int"})
TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist"})
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_TRUE_FALSE = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object.

    Attributes:
        name: API name; custom ones end in `__c`.
        kind: The describe call's `type`.
        length: Longest text accepted; 0 for other kinds.
        scale: Decimal places of numbers.
        required: Must have a value.
        create: May be given when a record is made.
        update: May be given when a record is changed.
        default: Value of a new record.
        refers: Object that a reference points to.
        relation: Name of the path to the parent, `Account` for `AccountId`.
        external: Records can be addressed by it.
        unique: No two records share a value.
        values: Allowed picklist values; empty for any.
    """

    name: str
    kind: str
    length: int = 0
    scale: int = 2
    required: bool = False
    create: bool = True
    update: bool = True
    default: Any = None
    refers: str | None = None
    relation: str | None = None
    external: bool = False
    unique: bool = False
    values: tuple[str, ...] = ()

    @property
    def custom(self) -> bool:
        """Whether the org declared it."""
        return self.name.endswith("__c")


def stamp(moment: datetime) -> str:
    """Return an instant in the API's form, `2026-01-01T00:00:00.000+0000`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").removesuffix("+00:00") + "+0000"


def moment_of(text: str) -> datetime:
    """Parse ISO 8601 with an offset; raises ValueError."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def read_value(field: Field, value: object) -> Any:
    """Turn a JSON value into the stored one.

    Raises:
        ApiError: JSON_PARSER_ERROR, STRING_TOO_LONG, INVALID_EMAIL_ADDRESS, MALFORMED_ID,
            INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST or NUMBER_OUTSIDE_VALID_RANGE, naming the field.
    """
    if value is None or value == "":
        return False if field.kind == "boolean" else None
    if field.kind in NUMBERS:
        return _number(field, value)
    if field.kind == "boolean":
        return _boolean(field, value)
    if field.kind in {"date", "datetime"}:
        return _when(field, value)
    if field.kind in {"reference", "id"}:
        return _reference(field, value)
    return _text(field, value)


def _mistyped(field: Field, value: object) -> ApiError:
    message = f"Cannot deserialize instance of {field.kind} from VALUE_{_json_kind(value)} value {value}"
    return ApiError("JSON_PARSER_ERROR", f"{message} for field {field.name}", [field.name])


def _json_kind(value: object) -> str:
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, int | Decimal | float):
        return "NUMBER"
    return "STRING" if isinstance(value, str) else "OBJECT"


def _number(field: Field, value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise _mistyped(field, value)
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        raise _mistyped(field, value) from None
    if not number.is_finite() or abs(number) >= Decimal(10) ** 16:
        message = f"{field.name}: value outside of valid range on numeric field: {value}"
        raise ApiError("NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])
    return number.quantize(Decimal(1).scaleb(-field.scale), ROUND_HALF_UP)


def _boolean(field: Field, value: object) -> bool:
    if isinstance(value, str):
        value = _TRUE_FALSE.get(value.lower(), value)
    if not isinstance(value, bool):
        raise _mistyped(field, value)
    return value


def _when(field: Field, value: object) -> str:
    if not isinstance(value, str):
        raise _mistyped(field, value)
    try:
        if field.kind == "date":
            return date.fromisoformat(value[:10]).isoformat()
        return stamp(moment_of(value))
    except ValueError:
        raise _mistyped(field, value) from None


def _reference(field: Field, value: object) -> str:
    found = canonical_id(value)
    if found is None:
        raise ApiError("MALFORMED_ID", f"{field.name}: id value of incorrect type: {value}", [field.name])
    return found


def _text(field: Field, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal | float):
        raise _mistyped(field, value)
    text = str(value)
    if field.length and len(text) > field.length:
        message = f"{field.name}: data value too large: {text} (max length={field.length})"
        raise ApiError("STRING_TOO_LONG", message, [field.name])
    if field.kind == "email" and not _EMAIL.fullmatch(text):
        raise ApiError("INVALID_EMAIL_ADDRESS", f"{field.name}: invalid email address: {text}", [field.name])
    if field.values and text not in field.values:
        message = f"{field.name}: bad value for restricted picklist field: {text}"
        raise ApiError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])
    return text


def write_value(field: Field, value: Any) -> Any:
    """Turn a stored value into its JSON form: numbers as doubles, counts as integers."""
    if isinstance(value, Decimal):
        return int(value) if field.kind == "int" else float(value)
    return value
