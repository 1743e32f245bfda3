"""Reads and checks one mapping template; README.md shows the form."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from connectors.kafka.topics import ENTITIES
from streams.stages.mapping import expressions, flat, paths, schema
from streams.stages.mapping.document import Node, read
from streams.stages.mapping.expressions import Expression, Scope
from streams.stages.mapping.lets import Lets
from streams.stages.mapping.model import Field, Link, Part, Template
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.said import ABSENT, said
from streams.stages.mapping.schema import Type

HEADER = ("name", "version", "direction", "object", "entity", "source", "let", "fields")
INBOUND = (*HEADER, "absent", "source_version", "id", "links", "same_as", "custom", "parts")
SETTINGS: Tree = {
    **dict.fromkeys(("zone", "currency", "item", "income_account", "shipping_item", "sales_tax", "refund_account")),
    "display_name": None,
    "open_amount": None,
    "figures": dict.fromkeys(schema.entity("party")["finance"].fields or ()),
}
"""What `settings.` offers: of the connection and of its rules' defaults; of a customer, its name in the accounts; of a
payment, what others left open of its order, if that is known; the vendor's custom fields by figure."""
WHOLE = "."
"""Path of a part that is read from the record itself."""
OUTBOUND_TYPES = {"string": "STRING", "number": "STRING", "boolean": "BOOL", "json": "DYN"}


ONCE = Node("", 0, "for_each", "[{}]")
"""A list entry without `for_each` makes one item."""


def parse(file: str, text: str) -> Template:
    """Return the template in `text`.

    Raises:
        TemplateError: with file, line and field.
    """
    return made(read(file, text))


def made(node: Node) -> Template:
    """Return the template that a document says.

    Raises:
        TemplateError: with file, line and field.
    """
    inbound = node.required("direction").text() == "inbound"
    if not inbound and node.required("direction").text() != "outbound":
        raise node.required("direction").error("should be inbound or outbound")
    found = _Reader(node, inbound).template()
    return replace(found, fingerprint=sha256(repr(node).encode()).hexdigest(), flat=flat.compiled(found))


class _Reader:
    """Walks one template."""

    def __init__(self, node: Node, inbound: bool) -> None:
        node.mapping(INBOUND if inbound else HEADER)
        self._node = node
        self._inbound = inbound
        self._entity = self._known_entity()
        self._sources = self._read_sources()
        self._lets = Lets(node.mapping().get("let"))
        self._texts: list[str] = []
        """Every expression but that of the version."""
        self._vendor = node.required("name").text().partition("/")[0]

    def template(self) -> Template:
        node, body = self._node, self._node.mapping()
        version = self._expression(body["source_version"], {}) if "source_version" in body else None
        self._texts.clear()
        fields = self._fields(node.required("fields"), schema.entity(self._entity) if self._inbound else None, {})
        if self._inbound:
            self._all_required(node.required("fields"), schema.entity(self._entity), fields)
        found = Template(
            name=node.required("name").text(),
            vendor=self._vendor,
            version=node.required("version").number(),
            direction="inbound" if self._inbound else "outbound",
            object=node.required("object").text(),
            entity=self._entity,
            sources=self._sources,
            fields=fields,
            absent_is_empty=self._absent(body.get("absent")),
            id=self._expression(node.required("id"), {}) if self._inbound else None,
            source_version=version,
            links=self._links(body.get("links"), schema.entity(self._entity), {}),
            same_as=self._same_as(body.get("same_as")),
            custom=self._custom(body.get("custom")),
            document=node,
            parts=self._parts(body.get("parts")),
            lets=list(self._lets.texts.values()),
        )
        self._lets.all_used()
        if not self._inbound:
            return found
        return replace(found, content=said(self._content(version), None if found.absent_is_empty else ABSENT))

    def _content(self, version: Expression | None) -> Tree:
        """Return the source's tree without the fields that only the version is read from."""
        read_ = {f"{path}." for text in self._texts for path in paths.leaves(text, "source")}
        only = [
            path
            for path in (paths.leaves(version.text, "source") if version is not None else ())
            if not any(other.startswith(f"{path}.") or f"{path}.".startswith(other) for other in read_)
        ]
        return paths.without(self._sources["source"], only)

    def _absent(self, node: Node | None) -> bool:
        if node is not None and node.text() not in ("empty", "unknown"):
            raise node.error("should be empty or unknown: what a field says that is not in the body")
        return node is None or node.text() == "empty"

    def _known_entity(self) -> str:
        node = self._node.required("entity")
        if node.text() not in ENTITIES:
            raise node.error(f"is not one of {', '.join(ENTITIES)}")
        return node.text()

    def _read_sources(self) -> Mapping[str, Tree]:
        node = self._node.required("source")
        if self._inbound:
            return {"source": _tree(node), "settings": SETTINGS}
        found = {role: _tree(child) for role, child in node.mapping(tuple(schema.ROLES)).items()}
        for role, tree in found.items():
            _check_canonical(node.mapping()[role], role, tree)
        return {**found, "settings": SETTINGS}

    def _fields(self, node: Node, types: Mapping[str, Type] | None, items: Mapping[str, Tree]) -> list[Field]:
        found = []
        for name, child in node.mapping().items():
            # A list of entries fills one list of records in turn.
            entries = child.items() if isinstance(child.value, list) else [child]
            found += [self._field(entry, name, types, items) for entry in entries]
        return found

    def _field(self, node: Node, path: str, types: Mapping[str, Type] | None, items: Mapping[str, Tree]) -> Field:
        if not isinstance(node.value, dict):
            node = Node(node.file, node.line, node.path, {"value": node})
        wanted = _target(node, path, types) if types is not None else None
        if "fields" in node.value:
            return self._list(node, path, wanted, items)
        body = node.mapping(("value", "when", "default", "required", *(() if self._inbound else ("type", "keep_null"))))
        value = self._expression(node.required("value"), items, wanted)
        return Field(
            node, path, value,
            named=None if self._inbound else self._named(node, path, items),
            when=self._condition(body.get("when"), items),
            default=self._expression(body["default"], items, wanted) if "default" in body else None,
            required=body["required"].flag() if "required" in body else False,
            type=wanted,
            kind=self._kind(body.get("type"), value),
            reads=paths.reads(value.text, "source"),
            keep_null=body["keep_null"].flag() if "keep_null" in body else False,
        )  # fmt: skip

    def _named(self, node: Node, path: str, items: Mapping[str, Tree]) -> Expression | None:
        """Read a target in braces: the connection says which field of the vendor it is, if any."""
        if not (path.startswith("{") and path.endswith("}")):
            return None
        return self._expression(Node(node.file, node.line, node.path, path[1:-1]), items)

    def _list(self, node: Node, path: str, wanted: Type | None, items: Mapping[str, Tree]) -> Field:
        body = node.mapping(("for_each", "as", "where", "fields", *(("links",) if self._inbound else ())))
        if wanted is not None and wanted.kind != "list":
            raise node.error("is no list of records; for_each does not fit here")
        each = self._expression(body.get("for_each", ONCE), items)
        variable = body["as"].text() if "as" in body else "item"
        inner = {**items, variable: self._items_tree(each, items)}
        types = wanted.fields if wanted is not None else None
        fields = self._fields(node.required("fields"), types, inner)
        links = self._links(body.get("links"), types or {}, inner)
        if types is not None:
            self._all_required(node, types, fields)
        return Field(
            node, path, type=wanted, each=each, variable=variable, item=inner[variable], fields=fields, links=links,
            when=self._condition(body.get("where"), inner), reads=paths.reads(each.text, "source"),
        )  # fmt: skip

    def _items_tree(self, each: Expression, items_: Mapping[str, Tree]) -> Tree:
        """Find the declared fields of a list's items: those of the path with which the expression begins."""
        variable, *segments = each.text.partition(".filter(")[0].strip().split(".")
        tree: Tree | None = {**self._sources, **items_}.get(variable)
        for segment in segments:
            name, indexed, _ = segment.partition("[")
            tree = (tree or {}).get(name)
            tree = (tree or {}).get(paths.ITEMS) if indexed else tree
        items: Tree = (tree or {}).get(paths.ITEMS, {})
        return items

    def _kind(self, node: Node | None, value: Expression) -> str:
        if self._inbound:
            return ""
        kind = node.text() if node is not None else "json"
        if node is not None and kind not in OUTBOUND_TYPES:
            raise node.error(f"is not one of {', '.join(OUTBOUND_TYPES)}")
        if value.type == "DOUBLE" and node is not None:
            raise node.error("floating point loses digits; write numbers as text, e.g. '1.5'")
        return kind

    def _expression(self, node: Node, items: Mapping[str, Tree], wanted: Type | None = None) -> Expression:
        known = {**self._sources, **items}
        text = self._lets.put_in(node)
        self._texts.append(text)
        for field in paths.unknown(text, known):
            raise node.error(f"unknown source field {field}; add it under source or correct its name")
        try:
            found = expressions.compiled(text, known)
        except ValueError as error:
            raise node.error(str(error)) from None
        if wanted is not None and not wanted.accepts(found.type):
            raise node.error(f"yields {found.type}, but the field is {_named(wanted)}")
        self._try(node, found, known)
        return found

    def _try(self, node: Node, expression: Expression, known: Mapping[str, Tree]) -> None:
        """Run it on empty fields: that shows unknown fields which the text alone does not."""
        key = expression.unknown_key(Scope({name: _sample(tree) for name, tree in known.items()}, known))
        if key is not None:
            raise node.error(f"unknown source field {key}; add it under source or correct its name")

    def _condition(self, node: Node | None, items: Mapping[str, Tree]) -> Expression | None:
        if node is None:
            return None
        found = self._expression(node, items)
        if found.type not in ("BOOL", "DYN"):
            raise node.error(f"yields {found.type}; a condition is true or false")
        return found

    def _links(self, node: Node | None, types: Mapping[str, Type], items: Mapping[str, Tree]) -> list[Link]:
        if node is None:
            return []
        found = []
        for path, child in node.mapping().items():
            _target(child, path, types)
            choices = child.items() if isinstance(child.value, list) else [child]
            candidates = [self._candidate(choice, items) for choice in choices]
            read_ = frozenset[str]().union(*(paths.reads(expression.text, "source") for _, _, expression in candidates))
            found.append(Link(path, candidates, read_))
        return found

    def _candidate(self, node: Node, items: Mapping[str, Tree]) -> tuple[str, str, Expression]:
        body = node.mapping(("vendor", "object", "id"))
        vendor = body["vendor"].text() if "vendor" in body else self._vendor
        return vendor, node.required("object").text(), self._expression(node.required("id"), items)

    def _same_as(self, node: Node | None) -> list[Link]:
        return [Link("", [self._candidate(child, {})]) for child in node.items()] if node is not None else []

    def _custom(self, node: Node | None) -> list[Field]:
        if node is None:
            return []
        found = []
        for name, child in node.mapping().items():
            child.mapping(("type", "value"))
            kind = child.required("type").text()
            if kind not in schema.CUSTOM_TYPES:
                raise child.required("type").error(f"is not one of {', '.join(schema.CUSTOM_TYPES)}")
            wanted = schema.custom(kind)
            value = self._expression(child.required("value"), {}, wanted)
            found.append(Field(child, name, value, type=wanted, reads=paths.reads(value.text, "source")))
        return found

    def _parts(self, node: Node | None) -> list[Part]:
        found = []
        for object_type, child in node.mapping().items() if node is not None else ():
            steps = [] if child.text() == WHOLE else child.text().split(".")
            if not all(paths.SEGMENT.fullmatch(step) for step in steps):
                raise child.error("is no path; write names with dots, lists as variants.nodes[], or . for the record")
            if object_type == self._node.required("object").text():
                raise child.error("is the record's own type; a part is another")
            found.append(Part(object_type, steps, child.line))
        return found

    def _all_required(self, node: Node, types: Mapping[str, Type], fields: Sequence[Field]) -> None:
        given = {field.path.partition(".")[0] for field in fields}
        for name, wanted in types.items():
            own = name in OWN and "tenant" in types
            if not wanted.has_default and not wanted.optional and name not in given and not own:
                raise node.error(f"required target {name} is missing")


OWN = frozenset({"id", "tenant", "version", "changed_at"})
"""Of every entity, set by the stages and never by a template."""
GIVEN = (
    OWN
    | {"deleted", "merged_into", "refs", "custom", "provenance", "conflicts", "finance"}
    | {"applied_rules", "episode"}
)
"""All fields that templates leave alone; `custom` has a section of its own."""


def _target(node: Node, path: str, types: Mapping[str, Type]) -> Type:
    name, _, rest = path.partition(".")
    found = types.get(name)
    if found is None or (name in GIVEN and "tenant" in types):
        raise node.error(f"unknown target field {path}; the schema has {', '.join(sorted(set(types) - GIVEN))}")
    if not rest:
        if found.kind in ("record", "other"):
            raise node.error(f"{path} is a {found.record or found.kind}; map its parts, e.g. {path}.line1")
        return found
    if found.kind != "record" or found.fields is None:
        raise node.error(f"{name} has no parts")
    return _target(node, rest, found.fields)


def _tree(node: Node) -> Tree:
    try:
        return paths.declare([child.text() for child in node.items()])
    except ValueError as error:
        raise node.error(str(error)) from None


def _check_canonical(node: Node, role: str, tree: Tree) -> None:
    known = schema.entity(schema.ROLES[role])
    for name in tree:
        if name not in known:
            raise node.error(f"{role} has no field {name}; it has {', '.join(sorted(known))}")


def _sample(tree: Tree | None) -> object:
    if tree is None:
        return None
    if paths.ITEMS in tree:
        return [_sample(tree[paths.ITEMS])]
    return {name: _sample(below) for name, below in tree.items()}


def _named(wanted: Type) -> str:
    return "a list of texts" if wanted.kind == "texts" else wanted.kind
