"""A template as one Python function, put together of its fields' expressions when the template is read.

Only where every expression has one of the shapes of `direct.py`, and only for records without a fault: whatever a
function raises, `inbound.py` and `outbound.py` then go through the template field by field, and say what is wrong.
"""

import contextlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.kafka.compiled.source import Source
from streams.stages import money
from streams.stages.mapping import direct, paths, schema
from streams.stages.mapping.direct import Names
from streams.stages.mapping.expressions import Expression
from streams.stages.mapping.model import Field, Flat, Link, Ref, Template
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.schema import Type
from streams.stages.mapping.values import LeftToEngineError


def compiled(template: Template) -> Flat | None:
    """Return the function of a checked template; None: one of its expressions is left to the engine.

    It takes a mapping of the template's variables to records. Inbound it returns id, fields, custom fields, links and
    `same_as` of a `Draft`, outbound the body; it raises for every record that has a fault.
    """
    try:
        found = _Inbound(template) if template.direction == "inbound" else _Outbound(template)
    except LeftToEngineError:
        return None
    function: Flat = found.function("v")
    return function


class _Template(Source):
    """What both directions have in common; `y` is the value under way."""

    def __init__(self, template: Template) -> None:
        self._objects = Names()
        super().__init__(self._objects.values)
        self._template = template
        self._trees: dict[str, Tree] = dict(template.sources)
        self._roots = {variable: f"s_{variable}" for variable in template.sources}
        for variable, root in self._roots.items():
            self.line(f"{root} = v[{variable!r}]")
        self._shared: dict[str, str] = {}
        """Pattern of source to the local variable that has its value; what may be part of another comes after it."""
        for text in template.lets:
            self._share(text)

    def _share(self, text: str) -> None:
        """Let what has a name be reckoned once, unless it reads the item of a list."""
        with contextlib.suppress(LeftToEngineError):
            found = direct.source(text, self._trees, self._roots, self._objects)
            if "(" in found:  # else it costs nothing
                local = self.name()
                self.line(f"{local} = {self._shortened(found)}")
                self._shared = {rf"(?<![\w.]){re.escape(found)}": local, **self._shared}

    def _shortened(self, source: str) -> str:
        for whole, local in self._shared.items():
            source = re.sub(whole, local, source)
        return source

    def _of(self, expression: Expression) -> str:
        return self._shortened(direct.source(expression.text, self._trees, self._roots, self._objects))

    def _value(self, field: Field) -> None:
        """Let `y` be what a field's expressions yield."""
        if field.value is None:
            raise LeftToEngineError
        self.line(f"y = {self._of(field.value)}")
        if field.default is not None:
            self.line(f"if y is None: y = {self._of(field.default)}")
        self._refuse_none(field.required)

    def _refuse_none(self, refused: bool) -> None:
        if refused:
            self.line("if y is None: raise ValueError")

    def _put(self, into: str, path: str) -> None:
        *above, name = path.split(".")
        into += "".join(f".setdefault({part!r}, {{}})" for part in above)
        self.line(f"{into}[{name!r}] = y")

    def _items(self, field: Field) -> tuple[str, str]:
        """Begin the loop over a list's source; return its variable and root."""
        if field.each is None or field.variable in self._trees:
            raise LeftToEngineError
        item = self.name()
        self.line(f"for {item} in {self._each(field.each)} or ():")
        self.shift(1)
        self._trees[field.variable], self._roots[field.variable] = field.item, item
        if field.when is not None:
            self.line(f"if ({self._of(field.when)}) is not True: continue")
        return field.variable, item

    def _each(self, expression: Expression) -> str:
        """A declared list needs no copy with its declared parts only: they alone are read of its items."""
        variable, *names = expression.text.split(".")
        tree: Tree | None = self._trees.get(variable)
        for name in names:
            tree = (tree or {}).get(name)
        if len(names) == 1 and tree is not None and paths.ITEMS in tree and tree[paths.ITEMS]:
            return f"items({self._roots[variable]}.get({names[0]!r}))"
        return self._of(expression)

    def _end(self, variable: str) -> None:
        del self._trees[variable], self._roots[variable]
        self.shift(-1)


class _Inbound(_Template):
    def __init__(self, template: Template) -> None:
        super().__init__(template)
        types = schema.entity(template.entity)
        self._objects.values |= {"Ref": Ref, "whole": _whole, "items": _items, "as_id": schema.as_id}
        self.line("fields, links = {}, {}")
        self._link(template.links, "")
        self._fields(template.fields, "fields", "")
        for name in dict.fromkeys(field.path.partition(".")[0] for field in template.fields if "." in field.path):
            parts = self._objects.add(types[name].parts)
            self.line(f"if {name!r} in fields: fields[{name!r}] = whole({parts}, fields[{name!r}])")
        self.line("custom = {}")
        for field in template.custom:
            with self.block(self._known(field.reads)):
                self._typed(field)
                self.line(f"custom[{field.path!r}] = y")
        self.line("same = []")
        for link in template.same_as:
            self._ref(link)
            self.line("if y is not None: same.append(y)")
        if template.id is None:
            raise LeftToEngineError
        self.line(f"y = {self._of(template.id)}")
        self.line("if y is None or y == '': raise ValueError")
        self.line("return y if y.__class__ is str else as_id(y), fields, custom, links, same")

    def _known(self, reads: frozenset[str]) -> str:
        """Return the head of the block for what a body may not speak of at all."""
        if self._template.absent_is_empty or not reads:
            return "if True:"
        return f"if {' or '.join(f'{name!r} in s_source' for name in sorted(reads))}:"

    def _fields(self, fields: Sequence[Field], into: str, above: str) -> None:
        for field in fields:
            with self.block(self._known(field.reads)):
                if field.each is not None:
                    self._list(field, into, f"{above}{field.path}")
                    continue
                with self.block("if True:" if field.when is None else f"if ({self._of(field.when)}) is True:"):
                    self._typed(field)
                    self._put(into, field.path)

    def _list(self, field: Field, into: str, path: str) -> None:
        found, item = self.name(), self.name()
        self.line(f"{found} = {into}.setdefault({field.path!r}, [])")
        variable, _ = self._items(field)
        self.line(f"{item} = {{}}")
        at = f"{path}/{{len({found})}}/"
        self._fields(field.fields, item, at)
        parts = self._objects.add(field.type.parts if field.type is not None else {})
        self._link(field.links, at)
        self.line(f"{found}.append({{**{parts}, **{item}}})")
        self._end(variable)

    def _link(self, links: Sequence[Link], above: str) -> None:
        for link in links:
            with self.block(self._known(link.reads)):
                self._ref(link)
                self.line(f"links[f{above + link.path!r}] = y")

    def _ref(self, link: Link) -> None:
        """Let `y` be the first candidate with an id."""
        for n, (vendor, kind, expression) in enumerate(link.candidates):
            with self.block("if True:" if n == 0 else "if y is None:"):
                self.line(f"y = {self._of(expression)}")
                self.line("if y is not None and y.__class__ is not str: y = as_id(y)")
                self.line(f"y = None if y is None or y == '' else Ref({vendor!r}, {kind!r}, y)")

    def _typed(self, field: Field) -> None:
        """Let `y` be a field's value in the codec's type."""
        if field.type is not None and field.value is not None and field.default is None:
            value = direct.typed_source(field.value.text, field.type, self._trees, self._roots, self._objects)
            if value is not None:
                self.line(f"y = {self._shortened(value)}")
                self._refuse_none(field.required or not field.type.optional)
                return
        self._value(field)
        if field.type is not None:
            self._convert(field.type)

    def _convert(self, wanted: Type) -> None:
        """Let `y` be as `Type.convert` would have it."""
        guard = "y is not None and " if wanted.optional else ""
        if wanted.kind in ("string", "boolean"):
            self.line(f"if {guard}y.__class__ is not {'str' if wanted.kind == 'string' else 'bool'}: raise TypeError")
        elif wanted.kind == "enum":
            self.line(f"if {guard}y not in {self._objects.add(frozenset(wanted.symbols))}: raise ValueError")
        else:
            convert = self._objects.add(wanted.convert)
            self.line(f"{'if y is not None: ' if wanted.optional else ''}y = {convert}(y)")


class _Outbound(_Template):
    def __init__(self, template: Template) -> None:
        super().__init__(template)
        self._objects.values |= {"decimal": money.decimal, "ordered": _ordered, "items": _items, "put": paths.put}
        self.line("body = {}")
        self._fields(template.fields, "body")
        self.line("return body")

    def _fields(self, fields: Sequence[Field], into: str) -> None:
        for field in fields:
            if field.each is not None:
                self._list(field, into)
                continue
            with self.block("if True:" if field.when is None else f"if ({self._of(field.when)}) is True:"):
                self._field(field, into)

    def _field(self, field: Field, into: str) -> None:
        """Write a field, unless it is empty; one that is named by the connection, only if that is done."""
        if field.named is not None:
            self.line(f"z = {self._of(field.named)}")
        with self.block("if True:" if field.named is None else "if z is not None:"):
            self._value(field)
            with self.block("if y is not None:"):
                self._written(field.kind)
            with self.block("if True:" if field.keep_null else "if y is not None:"):
                if field.named is None:
                    self._put(into, field.path)
                else:
                    self.line(f"put({into}, z, y)")

    def _list(self, field: Field, into: str) -> None:
        found, item = self.name(), self.name()
        self.line(f"{found} = {into}.setdefault({field.path!r}, [])")
        variable, _ = self._items(field)
        self.line(f"{item} = {{}}")
        self._fields(field.fields, item)
        self.line(f"{found}.append({item})")
        self._end(variable)

    def _written(self, kind: str) -> None:
        if kind == "number":
            self.line("y = decimal(y)")
        elif kind in ("string", "boolean"):
            self.line(f"if y.__class__ is not {'str' if kind == 'string' else 'bool'}: raise TypeError")
        else:
            self.line("if y.__class__ is not str: y = ordered(y)")


def _items(value: Any) -> list[Any]:
    return value if value.__class__ is list else []


def _whole(parts: Mapping[str, Any], value: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for part in value.values():
        if part is not None:
            return {**parts, **value}
    return None


def _ordered(value: Any) -> Any:
    """Return the value with the keys of maps in order: CEL's maps have none, and bodies are compared as bytes."""
    if value.__class__ is dict:
        return {key: _ordered(value[key]) for key in sorted(value)}
    if value.__class__ is list:
        return [_ordered(item) for item in value]
    if value.__class__ not in (str, int, bool):
        raise TypeError
    return value
