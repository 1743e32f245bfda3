"""What a template that can be read would still get wrong with every record; found before it is used.

A connection that is stored already is not held to it: nobody's records may stop because a later release looks closer.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext.ext_strings import ExtStrings

from connectors.errors import MappingError
from streams.stages.mapping import functions, inbound, literals, outbound, paths, schema
from streams.stages.mapping.document import Node
from streams.stages.mapping.errors import TemplateError
from streams.stages.mapping.expressions import Expression, Scope
from streams.stages.mapping.model import Field, Link, Template
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.schema import Type

WRITTEN: Mapping[str, Type] = {"string": Type("string"), "number": Type("decimal"), "boolean": Type("boolean")}
"""What an outbound field of a kind takes."""
CONDITION = Type("boolean", optional=True)
_ID = re.compile(r"(.*[._])?id")


def unsound(template: Template) -> Iterator[TemplateError]:
    """Yield what is wrong with a template by itself."""
    yield from _canonical_paths(template)
    yield from _clashing(template.fields)
    yield from _all(template, [*template.fields, *template.custom], template.sources)
    yield from _no_ids(template.document, template.links)


def between(templates: Iterable[Template], shipped: Iterable[Template]) -> Iterator[TemplateError]:
    """Yield what is wrong with templates together with the shipped ones, those of the same name left out."""
    mine = list(templates)
    names = {template.name for template in mine}
    former = {template.name: template for template in shipped}
    beside = [template for template in former.values() if template.name not in names]
    every = [t for t in [*beside, *mine] if t.direction == "inbound"]
    known = {(t.vendor, t.object) for t in every}
    for template in mine:
        if template.document is None:
            continue
        before = former.get(template.name)
        found = [] if before is None else _replaced(template, template.document, before)
        twice = [t.name for t in every if (t.vendor, t.object) == (template.vendor, template.object)]
        if template.direction == "inbound" and len(twice) > 1:
            other = next(name for name in twice if name != template.name)
            reason = f"{template.object} is read by {other} as well; give both the same name to replace it"
            found = [*found, template.document.required("object").error(reason)]
        if template.direction == "outbound" and before is None and former:
            used = ", ".join(sorted(name for name, t in former.items() if t.direction == "outbound"))
            found = [*found, template.document.required("name").error(f"is never used; there are {used}")]
        yield from found
        yield from _loose_ends(template, known)


def _replaced(template: Template, document: Node, before: Template) -> list[TemplateError]:
    """Return where a template does not do what the shipped one that it replaces must do."""
    for key in ("direction", "object", "entity"):
        if getattr(template, key) != getattr(before, key):
            reason = f"is {getattr(template, key)}; the shipped {before.name}, which this replaces, has "
            return [document.required(key).error(reason + getattr(before, key))]
    sure = {field.path for field in template.fields if field.required or field.default is not None}
    return [
        document.required("fields").error(f"required target {field.path} of the shipped template is not required here")
        for field in before.fields
        if field.required and field.path not in sure
    ]


def _loose_ends(template: Template, known: set[tuple[str, str]]) -> Iterator[TemplateError]:
    """Yield links and parts of object types that no template reads."""
    for part in template.parts:
        if (template.vendor, part.object) not in known:
            reason = f"no template reads {template.vendor}/{part.object}; correct the name, or add one"
            file = template.document.file if template.document is not None else template.name
            yield TemplateError(file, part.line, f"parts.{part.object}", reason)
    for node, link in _links(template):
        for vendor, kind, _ in link.candidates:
            # Orders are the same as one that a payment of theirs leads to; payments are no objects there.
            if (vendor, kind) not in known and not (template.entity == "order" and link in template.same_as):
                yield node.error(f"no template reads {vendor}/{kind}; correct the name, or add one")


def _links(template: Template) -> Iterator[tuple[Node, Link]]:
    document = template.document
    if document is None:
        return
    for section, links in (("links", template.links), ("same_as", template.same_as)):
        node = document.mapping().get(section, document)
        yield from ((_at(node, link.path), link) for link in links)
    yield from _inner_links(template.fields)


def _inner_links(fields: Iterable[Field]) -> Iterator[tuple[Node, Link]]:
    for field in fields:
        yield from ((_at(_at(field.node, "links"), link.path), link) for link in field.links)
        yield from _inner_links(field.fields)


def _at(node: Node, key: str) -> Node:
    return node.value.get(key, node) if isinstance(node.value, dict) else node


def _no_ids(node: Node | None, links: Iterable[Link]) -> Iterator[TemplateError]:
    if node is None:
        return
    for link in links:
        if _ID.fullmatch(link.path) is None:
            yield _at(_at(node, "links"), link.path).error("holds no canonical id; link a field that ends in _id")


def _canonical_paths(template: Template) -> Iterator[TemplateError]:
    """Yield paths below the fields of canonical records that the schemas do not have."""
    if template.document is None:
        return
    sources = template.document.required("source")
    for role, tree in template.sources.items():
        if role in schema.ROLES and template.direction == "outbound":
            for path, reason in _missing(schema.entity(schema.ROLES[role]), tree, role):
                yield sources.required(role).error(f"{path} {reason}")


def _missing(types: Mapping[str, Type], tree: Tree, above: str) -> Iterator[tuple[str, str]]:
    for name, below in tree.items():
        wanted, path = types.get(name), f"{above}.{name}"
        if wanted is None:
            yield path, f"does not exist; {above} has {', '.join(sorted(types))}"
        elif below is not None and wanted.kind != "other":
            is_list = wanted.kind in ("list", "texts")
            if is_list != (paths.ITEMS in below) or not (is_list or wanted.fields):
                yield path, f"is a list; write {path}[]" if is_list else f"has no parts; write {path}"
            else:
                yield from _missing(wanted.fields or {}, below.get(paths.ITEMS, below), path)


def _clashing(fields: Iterable[Field]) -> Iterator[TemplateError]:
    """Yield targets that are no path, or part of another one's value."""
    known = {field.path: field for field in fields if field.named is None}
    for path, field in known.items():
        steps = path.split(".")
        if not all(steps):
            yield field.node.error("is no target; write names with dots, e.g. BillAddr.City")
        for count in range(1, len(steps)):
            whole = known.get(".".join(steps[:count]))
            if whole is not None and (whole.when is None or field.when is None):
                yield field.node.error(f"is part of {whole.path}, which is written as a whole; leave out one of them")
        yield from _clashing(field.fields)


def _all(template: Template, fields: Iterable[Field], known: Mapping[str, Tree]) -> Iterator[TemplateError]:
    for field in fields:
        if field.named is None and not {"{", "}"}.isdisjoint(field.path):
            yield field.node.error('is no target; name a setting as "{settings.figures.refunded}"')
        if field.each is not None:
            inner = {**known, field.variable: field.item}
            yield from _misused(field, "for_each", field.each)
            yield from _misused(field, "where", field.when)
            yield from _no_ids(field.node, field.links)
            yield from condition(_at(field.node, "where"), field.when, inner)
            yield from _all(template, field.fields, inner)
            continue
        yield from _misused(field, "when", field.when)
        yield from condition(_at(field.node, "when"), field.when, known)
        wanted = field.type or WRITTEN.get(field.kind)
        for key, expression in (("value", field.value), ("default", field.default)):
            if expression is not None:
                node = _at(field.node, key)
                tried = replace(field, value=expression, default=None, required=False)
                found = _wrong_type(node, expression, wanted, known) or _wrong_value(node, tried, template, known)
                found = found or _wrong_outcome(node, expression, field.type)
                if found is not None:
                    yield found
                yield from _misused(field, key, expression)


def _wrong_type(
    node: Node, expression: Expression, wanted: Type | None, known: Mapping[str, Tree]
) -> TemplateError | None:
    found = _type(expression.text, tuple(sorted(known)))
    if wanted is None or replace(wanted, optional=True).accepts(found):
        return None
    return node.error(
        f"yields {found}, but the field is {'a list of texts' if wanted.kind == 'texts' else wanted.kind}"
    )


def _wrong_value(node: Node, field: Field, template: Template, known: Mapping[str, Tree]) -> TemplateError | None:
    """Try an expression that reads nothing of the record: it is the same for all of them."""
    if field.value is None or _reads(field.value.text, known):
        return None
    value_of = outbound.value_of if template.direction == "outbound" else inbound.value_of
    try:
        value_of(field, Scope({}, known), field.path)
    except MappingError as error:
        return node.error(error.reason)
    return None


def _wrong_outcome(node: Node, expression: Expression, wanted: Type | None) -> TemplateError | None:
    """Try the texts that are among the results: some records would come to each."""
    if wanted is None:
        return None
    for said in literals.outcomes(expression.text):
        try:
            wanted.convert(said)
        except ValueError as error:
            reason = str(error)
            return node.error(reason if repr(said) in reason else f"yields {said!r}: {reason}")
    return None


def _misused(field: Field, key: str, expression: Expression | None) -> Iterator[TemplateError]:
    for reason in literals.misused(expression.text) if expression is not None else ():
        yield _at(field.node, key).error(reason)


def condition(node: Node, expression: Expression | None, known: Mapping[str, Tree]) -> Iterator[TemplateError]:
    """Yield what is wrong with a condition that reads some variables' declared fields."""
    if expression is None:
        return
    found = _type(expression.text, tuple(sorted(known)))
    if not CONDITION.accepts(found):
        yield node.error(f"yields {found}; a condition is true or false")
    elif not _reads(expression.text, known):
        try:
            holds = expression.evaluate(Scope({}, known))
        except ValueError as error:
            yield node.error(str(error))
            return
        if holds is not True:
            yield node.error("is false for every record; correct it, or remove it with what hangs on it")


def _reads(text: str, known: Iterable[str]) -> bool:
    names = "|".join(map(re.escape, known))
    return re.search(rf"(?<![\w.])(?:{names})\b", re.sub(paths.STRINGS, "''", text)) is not None


@cache
def _type(text: str, variables: tuple[str, ...]) -> str:
    """Return what an expression yields, by what our functions yield where they yield anything; DYN: any value may come.

    The engine then refuses to compare some with null, which they may be: of such expressions nothing is known.
    """
    try:
        found: str = _environment(variables).compile(text).return_type().name()
    except RuntimeError:
        return "DYN"
    return found


@cache
def _environment(variables: tuple[str, ...]) -> Any:
    declared = {name: cel.Type.Map(cel.Type.STRING, cel.Type.DYN) for name in variables}
    return cel.NewEnv(variables=declared, extensions=[ExtStrings()], functions=functions.declarations(functions.YIELDS))
