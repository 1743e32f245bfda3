"""A tenant's custom fields, added to the templates of the objects where vendors have them.

What a connection's `custom_fields` says becomes source fields, entries of `custom` and outbound fields, as if they
stood in the template; so they are checked and applied like any other.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from connectors.errors import MappingError
from connectors.kafka.records import CustomField
from streams.stages.mapping.document import Node
from streams.stages.mapping.model import Template
from streams.stages.mapping.template import made

FORMS = "quickbooks"
"""QuickBooks has its custom fields in one list, as texts, told apart by DefinitionId."""
NAME = re.compile(r"[A-Za-z]\w*")
FIRST = ("order", "invoice", "payment", "product", "customer", "party", "contact")
"""Whose value is written where several records have one: the document's, its customer's, the person's."""
TEXTUAL = frozenset({FORMS, "pardot"})
"""Vendors that keep truth values as text."""


class Places(Protocol):
    """Knows the objects that have templates."""

    def objects(self, direction: str) -> Sequence[str]:
        """Return vendor/object pairs, `inbound` or `outbound`."""
        ...


@dataclass(frozen=True, slots=True)
class Conversion:
    """How one type is read, kept and written; `{x}` stands for the value.

    Attributes:
        kept: type of the canonical custom field.
        read: expression of what a vendor has.
        write: expression of what a vendor gets.
        kind: how that is written, see OUTBOUND_TYPES.
        takes, gives: types of a vendor's field that may be read so, and written so, as `FieldInfo` names them.
    """

    kept: str
    read: str
    write: str
    kind: str
    takes: frozenset[str]
    gives: frozenset[str]


LISTED = frozenset({"string", "picklist", "texts"})
CONVERSIONS: Mapping[str, Conversion] = {
    "string": Conversion("string", "text({x})", "text({x})", "string", LISTED, LISTED),
    # Custom numbers keep four places.
    "number": Conversion(
        "decimal", "places({x}, 4)", "{x}", "number", frozenset({"number", "string"}), frozenset({"number", "string"})
    ),
    "boolean": Conversion(
        "boolean", "{x} == null ? dyn(null) : dyn(lower(text({x})) in ['true', 'yes', '1', 'on'])", "{x}", "boolean",
        LISTED | {"boolean"}, LISTED | {"boolean"},
    ),
    "date": Conversion(
        "date", "date({x}, settings.zone)", "{x}", "string", frozenset({"date", "instant", "string"}),
        frozenset({"date", "string"}),
    ),
    "instant": Conversion(
        "timestamp-micros", "instant({x})", "{x} == null ? dyn(null) : dyn(cut({x}, 19) + 'Z')", "string",
        frozenset({"instant", "string"}), frozenset({"instant", "string"}),
    ),
    # Several of a list are one text, as Salesforce writes them: A;B. Pardot may send a list.
    "texts": Conversion(
        "string", "type({x}) == list ? dyn(joined(';', {x})) : dyn(text({x}))", "text({x})", "string", LISTED,
        frozenset({"string", "texts"}),
    ),
}  # fmt: skip


def extended(template: Template, fields: Mapping[str, CustomField]) -> Template:
    """Return a template with the custom fields that its object has; itself if there are none.

    Raises:
        TemplateError: a field does not fit into the template.
    """
    key, inbound = f"{template.vendor}/{template.object}", template.direction == "inbound"
    mine = {name: field for name, field in fields.items() if key in (field.read if inbound else field.write)}
    if not mine or template.document is None:
        return template
    document = template.document
    for name, field in mine.items():
        document = _reading(document, template, name, field) if inbound else _writing(document, template, name, field)
    return made(document)


def check_fields(fields: Mapping[str, CustomField], places: Places) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with custom fields by themselves: path below `custom_fields`, reason."""
    for name, field in fields.items():
        if not NAME.fullmatch(name):
            yield name, "is no name; use letters, digits and _, a letter first"
        if field.type not in CONVERSIONS:
            yield f"{name}.type", f"is none; use one of {', '.join(CONVERSIONS)}"
        if not field.read:
            yield name, "is read nowhere; say under read which vendor's object has it"
        for way, direction in (("read", "inbound"), ("write", "outbound")):
            known = places.objects(direction)
            for place in getattr(field, way):
                if place not in known:
                    yield f"{name}.{way}.{place}", f"no template {way}s it; there are {', '.join(known)}"


def _reading(document: Node, template: Template, name: str, field: CustomField) -> Node:
    theirs = field.read[f"{template.vendor}/{template.object}"]
    if template.vendor == FORMS:
        paths = [f"CustomField[].{part}" for part in ("DefinitionId", "StringValue", "NumberValue")]
        values = "coalesce([f.StringValue, f.NumberValue])"
        x = f"first(source.CustomField.filter(f, f.DefinitionId == '{theirs}').map(f, {values}))"
    else:
        # Where the id stands the object's other fields stand too: a snapshot has it one level down.
        above = template.id.text.partition(".")[2].rpartition(".")[0] if template.id is not None else ""
        paths = [f"{above}.{theirs}" if above else theirs]
        x = f"source.{paths[0]}"
    way = CONVERSIONS[field.type]
    document = _with_sources(document, None, paths)
    entry = {"type": way.kept, "value": way.read.replace("{x}", x)}
    return _with(document, "custom", {name: entry})


def _writing(document: Node, template: Template, name: str, field: CustomField) -> Node:
    roles = [role for role in FIRST if role in template.sources]
    for role in roles:
        document = _with_sources(document, role, ["custom"])
    way = CONVERSIONS[field.type]
    x = f"coalesce([{', '.join(_known(role, name) for role in roles)}])"
    when = " || ".join(f"'{name}' in {role}.custom" for role in roles)
    theirs = field.write[f"{template.vendor}/{template.object}"]
    value = way.write.replace("{x}", x)
    if (template.vendor in TEXTUAL and field.type == "boolean") or template.vendor == FORMS:
        value = f"text({value})"
    if field.cut:
        value = f"cut({value}, {field.cut})"
    if template.vendor == FORMS:
        entry = {"DefinitionId": f"'{theirs}'", "Type": "'StringType'", "StringValue": value}
        return _with(document, "fields", {"CustomField": [{"where": f"{value} != null", "fields": entry}]})
    kind = "string" if template.vendor in TEXTUAL and field.type == "boolean" else way.kind
    return _with(document, "fields", {theirs: {"value": value, "type": kind, "when": when, "keep_null": True}})


def _known(role: str, name: str) -> str:
    return f"('{name}' in {role}.custom ? dyn({role}.custom.{name}) : dyn(null))"


def _with_sources(document: Node, role: str | None, paths: Sequence[str]) -> Node:
    source = document.required("source")
    holder = source if role is None else source.required(role)
    known = {child.text() for child in holder.items()}
    more = [_node(holder, path) for path in paths if path not in known]
    longer = replace(holder, value=[*holder.items(), *more])
    if role is not None:
        longer = replace(source, value={**source.mapping(), role: longer})
    return replace(document, value={**document.mapping(), "source": longer})


def _with(document: Node, section: str, entries: Mapping[str, Any]) -> Node:
    """Return the document with entries added to a section; a list there grows, anything else must not be there yet."""
    body = document.mapping()
    former = body.get(section) or _node(document, {})
    found = dict(former.mapping())
    for name, entry in entries.items():
        node = _node(former, entry, name)
        if name in found and not isinstance(entry, list):
            raise MappingError(f"custom_fields.{name}", f"{document.file} has {section}.{name} already; rename it")
        before = found[name].items() if name in found else []
        found[name] = replace(node, value=[*before, *node.items()]) if isinstance(entry, list) else node
    return replace(document, value={**body, section: replace(former, value=found)})


def _node(at: Node, value: Any, name: str = "custom_fields") -> Node:
    """Return a value as a document has it, for messages at the line of `at`."""
    if isinstance(value, dict):
        value = {key: _node(at, child, f"{name}.{key}") for key, child in value.items()}
    elif isinstance(value, list):
        value = [_node(at, child, name) for child in value]
    return Node(at.file, at.line, name, value)
