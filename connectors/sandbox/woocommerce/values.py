"""How values look to WooCommerce: money as text with two digits, PHP's JSON, types as WordPress checks them."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from starlette.responses import Response

from connectors.sandbox.json_text import dumps

CENT = Decimal("0.01")
ZERO = Decimal("0.00")


def php_json(value: Any) -> bytes:
    r"""JSON as PHP's `json_encode` writes it: non-ASCII as `\uXXXX`, `/` as `\/`."""
    return dumps(value).replace("/", "\\/").encode()


class PhpJson(Response):
    """A JSON answer as PHP writes it."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Turn the answer into bytes."""
        return php_json(content)


def money(value: Decimal) -> str:
    """An amount as WooCommerce shows it: text, two digits, half away from zero."""
    return str(value.quantize(CENT, ROUND_HALF_UP))


def amount(value: Any) -> Decimal:
    """Read an amount; what is no number counts as nothing, as PHP has it."""
    try:
        found = Decimal(str(value).strip() or "0")
    except InvalidOperation:
        return ZERO
    return found if found.is_finite() else ZERO


def coerce(name: str, kind: str, value: Any) -> tuple[Any, str]:
    """Bring a value to a schema type; returns it and, if it does not fit, what is wrong (`rest_validate_value`)."""
    wrong = f"{name} is not of type {kind}."
    match kind:
        case "string":
            return (value, "") if isinstance(value, str) else (None, wrong)
        case "integer":
            whole = _whole(value)
            return (whole, "") if whole is not None else (None, wrong)
        case "boolean":
            known = {"true": True, "false": False, "1": True, "0": False}
            if isinstance(value, bool):
                return value, ""
            text = str(value).lower()
            return (known[text], "") if text in known else (None, wrong)
        case "object":
            return (value, "") if isinstance(value, Mapping) else (None, wrong)
        case _:
            return (value, "") if isinstance(value, list) else (None, wrong)


def _whole(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return int(number) if number.is_finite() and number == number.to_integral_value() else None


def with_meta(known: list[dict[str, Any]], sent: list[Any], next_id: Any) -> list[dict[str, Any]]:
    """Merge meta data by id, else by key; a null value removes."""
    rows = [dict(row) for row in known]
    for entry in sent:
        if not isinstance(entry, Mapping):
            continue
        by = "id" if entry.get("id") else "key"
        found = next((row for row in rows if row[by] == entry.get(by)), None)
        if found is None:
            found = {"id": next_id(), "key": str(entry.get("key", "")), "value": None}
            rows.append(found)
        found.update({name: entry[name] for name in ("key", "value") if name in entry})
    return [row for row in rows if row["value"] is not None]
