"""Vendor JSON to a draft of a canonical entity."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from connectors.errors import MappingError
from streams.stages.mapping import expressions, paths, schema
from streams.stages.mapping.expressions import Expression, Scope
from streams.stages.mapping.model import Field, Link, Ref, Template
from streams.stages.mapping.schema import Type


class Draft(Struct, frozen=True):
    """What one vendor record says about one canonical entity.

    Attributes:
        ref: the record.
        fields: canonical fields it speaks of, in the codec's types; None says that the vendor has nothing there.
        custom: custom fields, likewise.
        links: vendor objects by the path of the field that is to hold their canonical id, e.g. `lines/0/product_id`;
            None says that the vendor has none there.
        same_as: other vendors' objects that are this entity.
    """

    entity: str
    ref: Ref
    fields: Mapping[str, Any]
    custom: Mapping[str, Any]
    links: Mapping[str, Ref | None]
    same_as: Sequence[Ref]


def draft(template: Template, body: Mapping[str, Any], settings: Mapping[str, Any]) -> Draft:
    """Return what `body` says.

    Args:
        template: an inbound one.
        body: the vendor's JSON, numbers with a fraction as Decimal.
        settings: zone, currency and the rules' defaults.

    Raises:
        MappingError: a required field is empty or a value does not fit; names the field.
    """
    if template.flat is not None:
        try:
            id_, fields, custom, links, same_as = template.flat({"source": body, "settings": settings})
        except Exception:  # noqa: BLE001  what is wrong, and where, shows field by field
            return by_field(template, body, settings)
        return Draft(template.entity, Ref(template.vendor, template.object, id_), fields, custom, links, same_as)
    return by_field(template, body, settings)


def by_field(template: Template, body: Mapping[str, Any], settings: Mapping[str, Any]) -> Draft:
    """Return what `body` says, as `draft` does, one field after the other.

    Raises:
        MappingError: as `draft`.
    """
    return _Mapper(template, body, settings).draft()


def stated_version(template: Template, body: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return the source version that `body` states, "" if it states none."""
    scope = Scope({"source": body, "settings": settings}, template.sources)
    return expressions.evaluate("source_version", template.source_version, scope) or ""


def stated_id(template: Template, body: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    """Return the remote id that `body` states, "" if it states none.

    Raises:
        MappingError: what stands there is no id.
    """
    found = expressions.evaluate("id", template.id, Scope({"source": body, "settings": settings}, template.sources))
    return "" if found is None else _as_id("id", found)


class _Mapper:
    """One record on its way through one template."""

    def __init__(self, template: Template, body: Mapping[str, Any], settings: Mapping[str, Any]) -> None:
        self._template = template
        self._scope = Scope({"source": body, "settings": settings}, template.sources)
        self._present = None if template.absent_is_empty else frozenset(body)
        self._links: dict[str, Ref | None] = {}

    def draft(self) -> Draft:
        template, scope = self._template, self._scope
        self._link(template.links, scope, "")
        types = schema.entity(template.entity)
        fields = self._fields(template.fields, scope, "")
        same_as = [_ref(link, scope, "same_as") for link in template.same_as]
        return Draft(
            entity=template.entity,
            ref=Ref(template.vendor, template.object, _remote_id(template.id, scope)),
            fields={name: _whole(types[name], value) for name, value in fields.items()},
            custom={f.path: value_of(f, scope, f"custom.{f.path}") for f in template.custom if self._known(f.reads)},
            links=self._links,
            same_as=[ref for ref in same_as if ref is not None],
        )

    def _known(self, reads: frozenset[str]) -> bool:
        """Tell whether the body speaks of a field at all."""
        return self._present is None or not reads or not reads.isdisjoint(self._present)

    def _fields(self, fields: Sequence[Field], scope: Scope, above: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for field in fields:
            if not self._known(field.reads):
                continue
            if field.each is not None:
                known = found.setdefault(field.path, [])
                known += self._list(field, scope, f"{above}{field.path}", len(known))
            elif expressions.holds(f"{above}{field.path}.when", field.when, scope):
                paths.put(found, field.path, value_of(field, scope, f"{above}{field.path}"))
        return found

    def _list(self, field: Field, scope: Scope, path: str, first: int) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for item in expressions.evaluate(path, field.each, scope) or ():
            inner = scope.within(field.variable, item, field.item)
            if expressions.holds(f"{path}.where", field.when, inner):
                at = f"{path}/{first + len(items)}/"
                types = field.type.fields if field.type is not None else None
                items.append(schema.complete(types or {}, self._fields(field.fields, inner, at)))
                self._link(field.links, inner, at)
        return items

    def _link(self, links: Sequence[Link], scope: Scope, above: str) -> None:
        for link in links:
            if self._known(link.reads):
                self._links[f"{above}{link.path}"] = _ref(link, scope, f"{above}{link.path}")


def value_of(field: Field, scope: Scope, path: str) -> Any:
    """Return what a field's expression yields, in the form in which it is written.

    Raises:
        MappingError: it is required and empty, or does not fit; names `path`.
    """
    value = expressions.evaluate(path, field.value, scope)
    if value is None and field.default is not None:
        value = expressions.evaluate(path, field.default, scope)
    if value is None and field.required:
        raise MappingError(path, "is required, but the record has nothing for it")
    if field.type is None:
        return value
    try:
        return field.type.convert(value)
    except ValueError as error:
        raise MappingError(path, str(error)) from None


def _ref(link: Link, scope: Scope, path: str) -> Ref | None:
    for vendor, kind, expression in link.candidates:
        remote_id = expressions.evaluate(path, expression, scope)
        if remote_id not in (None, ""):
            return Ref(vendor, kind, _as_id(path, remote_id))
    return None


def _remote_id(expression: Expression | None, scope: Scope) -> str:
    found = expressions.evaluate("id", expression, scope)
    if found in (None, ""):
        raise MappingError("id", "is required, but the record has nothing for it")
    return _as_id("id", found)


def _as_id(path: str, value: Any) -> str:
    try:
        return schema.as_id(value)
    except ValueError as error:
        raise MappingError(path, str(error)) from None


def _whole(wanted: Type, value: Any) -> Any:
    """Return a record with all its parts; None if they are all empty."""
    if wanted.kind != "record" or not isinstance(value, dict):
        return value
    return schema.complete(wanted.fields or {}, value) if any(part is not None for part in value.values()) else None
