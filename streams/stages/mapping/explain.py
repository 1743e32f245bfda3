"""A template tried on one record: what comes out, and where each value came from."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from msgspec import to_builtins

from connectors.errors import MappingError
from connectors.wire import dumps
from streams.stages.mapping import expressions, inbound, outbound, paths, schema
from streams.stages.mapping.expressions import Expression, Scope
from streams.stages.mapping.model import Field, Link, Template


@dataclass(frozen=True, slots=True)
class Line:
    """One target of a template.

    Attributes:
        target: path of the field that is written.
        value: as it is written; None with a `note`.
        expression: that yields it.
        read: the source fields it reads, with their values.
        note: why there is no value, or what is special about it.
    """

    target: str
    value: Any
    expression: str
    read: Mapping[str, Any]
    note: str = ""


def output(template: Template, given: Any, settings: Mapping[str, Any]) -> Any:
    """Return what a template makes of a record, as JSON; the form of the golden files.

    Args:
        template: inbound: `given` is the vendor's object; outbound: the canonical records by role.
        given: the record, parsed by `wire.loads`.
        settings: what expressions read as `settings`.

    Raises:
        MappingError: it cannot; names the field.
    """
    if template.direction == "outbound":
        return json.loads(dumps(outbound.body(template, {**given, "settings": settings})))
    version = inbound.stated_version(template, given, settings)
    draft = to_builtins(inbound.draft(template, given, settings), builtin_types=(Decimal, datetime, date))
    return paths.plain({"version": version, **draft})


def explain(template: Template, given: Any, settings: Mapping[str, Any]) -> Sequence[Line]:
    """Return every target of the template, in its order; errors are lines as well.

    The arguments are those of `output`.
    """
    if template.direction == "outbound":
        roles = {
            role: schema.as_role(role, given.get(role)) if role in schema.ROLES else settings
            for role in template.sources
        }
        return list(_fields(template, template.fields, Scope(roles, template.sources), ""))
    scope = Scope({"source": given, "settings": settings}, template.sources)
    return [
        *_id("id", template.id, scope),
        *_version(template.source_version, scope),
        *_links(template.links, scope, ""),
        *_fields(template, template.fields, scope, ""),
        *_fields(template, template.custom, scope, "custom."),
    ]


def _version(expression: Expression | None, scope: Scope) -> Iterator[Line]:
    if expression is not None:
        target = "source_version"
        yield _line(target, expression, scope, lambda: expressions.evaluate(target, expression, scope))


def _id(target: str, expression: Expression | None, scope: Scope) -> Iterator[Line]:
    def found(of: Expression) -> str | None:
        value = expressions.evaluate(target, of, scope)
        try:
            return None if value is None else schema.as_id(value)
        except ValueError as error:
            raise MappingError(target, str(error)) from None

    if expression is not None:
        yield _line(target, expression, scope, lambda: found(expression))


def _links(links: Sequence[Link], scope: Scope, above: str) -> Iterator[Line]:
    for link in links:
        for vendor, kind, expression in link.candidates:
            target = f"{above}{link.path} ({vendor} {kind})"
            yield from _id(target, expression, scope)


def _fields(template: Template, fields: Sequence[Field], scope: Scope, above: str) -> Iterator[Line]:
    for field in fields:
        at = f"{above}{field.path}"
        if _silent(template, field, scope):
            yield Line(at, None, _text(field.value or field.each), {}, "not in the record: nothing is said of it")
        elif field.each is not None:
            yield from _list(template, field, scope, at)
        elif field.value is not None:
            yield from _one(template, field, scope, at)


def _silent(template: Template, field: Field, scope: Scope) -> bool:
    if template.absent_is_empty or template.direction == "outbound" or not field.reads:
        return False
    return field.reads.isdisjoint(scope.values["source"])


def _one(template: Template, field: Field, scope: Scope, at: str) -> Iterator[Line]:
    found = field.value
    if found is None:
        return
    if field.when is not None and not _holds(at, field, scope):
        yield _left_out(at, found.text, field.when, scope)
        return
    value_of = outbound.value_of if template.direction == "outbound" else inbound.value_of
    line = _line(at, found, scope, lambda: value_of(field, scope, at))
    if line.note == "" and field.default is not None and _empty(at, found, scope):
        line = Line(at, line.value, field.default.text, line.read, f"default: {found.text} is empty")
    yield line


def _list(template: Template, field: Field, scope: Scope, at: str) -> Iterator[Line]:
    if field.each is None:
        return
    try:
        items = expressions.evaluate(at, field.each, scope) or ()
    except MappingError as error:
        yield Line(at, None, field.each.text, _read(field.each, scope), str(error))
        return
    for number, item in enumerate(items):
        inner, place = scope.within(field.variable, item, field.item), f"{at}/{number}/"
        if field.when is not None and not _holds(at, field, inner):
            yield _left_out(place, field.when.text, field.when, inner)
            continue
        yield from _links(field.links, inner, place)
        yield from _fields(template, field.fields, inner, place)


def _left_out(target: str, expression: str, condition: Expression, scope: Scope) -> Line:
    return Line(target, None, expression, _read(condition, scope), f"left out: {condition.text} is not true")


def _line(target: str, expression: Expression, scope: Scope, value: Any) -> Line:
    try:
        return Line(target, paths.plain(value()), expression.text, _read(expression, scope))
    except MappingError as error:
        return Line(target, None, expression.text, _read(expression, scope), str(error))


def _holds(at: str, field: Field, scope: Scope) -> bool:
    try:
        return expressions.holds(at, field.when, scope)
    except MappingError:
        return False


def _empty(at: str, expression: Expression, scope: Scope) -> bool:
    return expressions.evaluate(at, expression, scope) is None


def _read(expression: Expression, scope: Scope) -> Mapping[str, Any]:
    """Return the fields that an expression names, with their values."""
    code = re.sub(r"'[^']*'|\"[^\"]*\"", "''", expression.text)
    found = {}
    for name in scope.trees:
        for match in re.finditer(rf"(?<![\w.]){re.escape(name)}((?:\.\w+)+)(\s*\()?", code):
            segments = match[1].split(".")[1:]
            steps = segments[:-1] if match[2] else segments
            found[".".join([name, *steps])] = _at(scope.values.get(name), steps)
    return found


def _at(value: Any, steps: Sequence[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return paths.plain(value)


def _text(expression: Expression | None) -> str:
    return expression.text if expression is not None else ""
