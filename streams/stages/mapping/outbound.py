"""Canonical records to the body of a vendor's object."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.errors import MappingError
from streams.stages import money
from streams.stages.mapping import expressions, paths, schema
from streams.stages.mapping.expressions import Scope
from streams.stages.mapping.model import Field, Template


def body(template: Template, records: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Any]:
    """Return the vendor's body; what has no value is left out, unless its field says `keep_null`.

    Args:
        template: an outbound one.
        records: canonical records by role, and `settings`; a missing role reads as empty fields.

    Raises:
        MappingError: a required field is empty or a value does not fit; names the field.
    """
    values = {
        role: schema.as_role(role, records.get(role)) if role in schema.ROLES else records.get(role)
        for role in template.sources
    }
    if template.flat is not None:
        with contextlib.suppress(Exception):  # what is wrong, and where, shows field by field
            found: dict[str, Any] = template.flat(values)
            return found
    return by_field(template, values)


def by_field(template: Template, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body, as `body` does, one field after the other; `values` has all the template's variables.

    Raises:
        MappingError: as `body`.
    """
    return _fields(template.fields, Scope(values, template.sources), "")


def _fields(fields: Sequence[Field], scope: Scope, above: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for field in fields:
        at = f"{above}{field.path}"
        if field.each is not None:
            # Several entries may fill one list, e.g. the sold lines, then a discount line.
            found.setdefault(field.path, []).extend(_list(field, scope, at))
        elif expressions.holds(f"{at}.when", field.when, scope):
            path = field.path if field.named is None else expressions.evaluate(at, field.named, scope)
            value = value_of(field, scope, at) if path is not None else None
            if path is not None and (value is not None or field.keep_null):
                paths.put(found, path, value)
    return found


def _list(field: Field, scope: Scope, at: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for item in expressions.evaluate(at, field.each, scope) or ():
        inner = scope.within(field.variable, item, field.item)
        if expressions.holds(f"{at}.where", field.when, inner):
            items.append(_fields(field.fields, inner, f"{at}/{len(items)}/"))
    return items


def value_of(field: Field, scope: Scope, at: str) -> Any:
    """Return what a field's expression yields, in the form in which it is written.

    Raises:
        MappingError: it is required and empty, or does not fit; names `at`.
    """
    value = expressions.evaluate(at, field.value, scope)
    if value is None and field.default is not None:
        value = expressions.evaluate(at, field.default, scope)
    if value is None and field.required:
        raise MappingError(at, "is required, but there is nothing for it")
    try:
        return _written(field.kind, value)
    except ValueError as error:
        raise MappingError(at, str(error)) from None


def _written(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "number":
        return money.decimal(value)
    if kind == "string" and not isinstance(value, str):
        raise ValueError(f"is {schema.named(value)}, not a text; wrap it in text()")
    if kind == "boolean" and not isinstance(value, bool):
        raise ValueError(f"is {schema.named(value)}, not a truth value")
    if isinstance(value, float):
        raise ValueError("is floating point, which loses digits; give the field `type: number` and a text")  # noqa: TRY004  one error
    return _ordered(value)


def _ordered(value: Any) -> Any:
    """Return the value with the keys of maps in order: CEL's maps have none, and bodies are compared as bytes."""
    if isinstance(value, dict):
        return {key: _ordered(value[key]) for key in sorted(value)}
    return [_ordered(item) for item in value] if isinstance(value, list) else value
