"""A checked mapping template, as `inbound.py` and `outbound.py` apply it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from msgspec import Struct

from streams.stages.mapping.document import Node
from streams.stages.mapping.expressions import Expression
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.said import NOTHING, Said
from streams.stages.mapping.schema import Type

Flat = Callable[[Mapping[str, Any]], Any]
"""A template as one function of records by variable; `flat.py` says what it returns."""


class Ref(Struct, frozen=True):
    """An object of a vendor."""

    vendor: str
    object: str
    id: str


@dataclass(frozen=True, slots=True)
class Field:
    """One target: an expression, or a list whose items have fields of their own.

    Attributes:
        path: dotted target.
        named: outbound: expression of the target, where the connection says which one it is; none: nothing is written.
        type: of the canonical schema (inbound); None outbound.
        kind: how an outbound value is written: string, number, boolean or json.
        keep_null: outbound: an empty value is written as null instead of being left out.
        each, variable, item, fields, links: of a list: its source, the name of one item and what is declared of it,
            what an item gets.
        reads: top fields of the source that it reads.
    """

    node: Node
    path: str
    value: Expression | None = None
    named: Expression | None = None
    when: Expression | None = None
    default: Expression | None = None
    required: bool = False
    type: Type | None = None
    kind: str = "json"
    keep_null: bool = False
    each: Expression | None = None
    variable: str = ""
    item: Tree = field(default_factory=dict)
    fields: Sequence["Field"] = ()
    links: Sequence["Link"] = ()
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """A field that holds the canonical id of what a vendor's object is; the first candidate with an id counts."""

    path: str
    candidates: Sequence[tuple[str, str, Expression]]
    """Vendor, object, expression of the remote id."""
    reads: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Part:
    """Another object that a record holds: where it stands in the body, with no step for the body itself.

    Attributes:
        line: of the template's file, which names it.
    """

    object: str
    steps: Sequence[str]
    line: int


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template.

    Attributes:
        vendor: first part of its name.
        sources: declared fields by variable; `settings` is always there.
        absent_is_empty: a source field that is not in the body is empty (QuickBooks leaves empty ones out); else
            nothing is known of it (Salesforce and Pardot send what was asked for).
        id, source_version: inbound: expressions of remote id and version.
        same_as: other vendors' objects that are the same entity.
        custom: custom fields, `type` set.
        document: what it was read from.
        parts: objects that a record holds beside its own, read by templates of their own.
        lets: expressions that have a name, the names in them put in; later ones may have earlier ones in them.
        fingerprint: hash of its text.
        content: inbound: what a body has in the declared fields that decide more than the version.
        flat: all of it as one function, if every expression has a usual shape.
    """

    name: str
    vendor: str
    version: int
    direction: Literal["inbound", "outbound"]
    object: str
    entity: str
    sources: Mapping[str, Tree]
    fields: Sequence[Field]
    absent_is_empty: bool = True
    id: Expression | None = None
    source_version: Expression | None = None
    links: Sequence[Link] = ()
    same_as: Sequence[Link] = ()
    custom: Sequence[Field] = ()
    document: Node | None = None
    parts: Sequence[Part] = ()
    lets: Sequence[str] = ()
    fingerprint: str = ""
    content: Said = NOTHING
    flat: Flat | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """Names that its expressions may read."""
        return tuple(sorted(self.sources))
