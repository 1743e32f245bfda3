"""What the engine is spared is evaluated as the engine would."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import connectors
from streams.stages.mapping import Templates, direct, expressions, paths
from streams.stages.mapping.expressions import Expression, Scope
from streams.stages.mapping.model import Field, Link, Template
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.templates import files

LEAVES = st.sampled_from(
    [None, "", " a  b ", "2026-03-01", "2026-03-01T10:00:00Z", "ann@example.com", "DE", "+14155550100", "Acme\nInc",
     "7", "A\0b", "\0",
     "1.50", "Voided", "USD", True, False, 0, -3, 2**70, Decimal("12.30"), Decimal(0), ["x"], {"y": 1}]
)  # fmt: skip
SHAPES = [
    "a.text == null ? 'none' : a.text", "a.number == false", "a.number != 0",
    "a.text < a.number", "!(a.text == '')",
    "a.text + 'x'", "a.many.map(m, m.leaf)", "a.many.filter(m, m.leaf != null)", "a.many + ['x']", "a.number + 1",
    "a.text == 'x' || a.number > 3", "a.text != null && a.text.startsWith('A')", "a.deep.leaf", "a.deep",
    "coalesce([a.text, a.number, 'z'])", "text(a.number) + text(a.text)",
    "joined('-', a.many.map(m, text(m.leaf)))", "joined('-', [a.text, a.number])", "emails([a.text])",
    "phones([a.text], null)", "lower(a.text)", "[a.text, a.number]",
    "a.many[0]", "a.many[1].leaf", "size(a.many) > 0", "size(a.text)", "text(a.text).split(':')",
    "case(a.text, {'x': 'y', 'Voided': a.number}, null)",
    "string(a.number)", "string(a.text)",
    "case(a.number, {4: 'y', 5: a.text}, 'z')", "a.number > 1.5", "1.5 < 2.5", "a.number == 1.5",
    "a.text in ['x', 'y']", "a.deep.leaf in ['x', 'y']", "'leaf' in a.many[0]", "'Tier' in a.deep ? 'x' : 'y'",
]  # fmt: skip
TREES: Mapping[str, Tree] = {"a": paths.declare(["text", "number", "deep.leaf", "many[].leaf"])}


FEW = st.sampled_from([None, "", "x", "x\0", "\0", False, 0, 4, Decimal("1.5"), ["x"], {"y\0": "z\0"}])


def values(tree: Tree | None, leaves: st.SearchStrategy[Any] = LEAVES) -> st.SearchStrategy[Any]:
    """Anything a vendor may send where the tree declares fields."""
    if tree is None:
        return leaves
    if paths.ITEMS in tree:
        return st.lists(values(tree[paths.ITEMS], leaves), max_size=2) | st.none()
    return st.fixed_dictionaries({}, optional={name: values(below, leaves) for name, below in tree.items()})


FOLDER = Path(connectors.__file__).parent


def every(template: Template) -> Iterator[tuple[Expression, Mapping[str, Tree]]]:
    """Every expression of a template with what it may read."""
    own = [template.id, template.source_version]
    yield from ((found, template.sources) for found in own if found is not None)
    yield from _links([*template.links, *template.same_as], template.sources)
    yield from _fields([*template.fields, *template.custom], template.sources)


def _fields(fields: Sequence[Field], trees: Mapping[str, Tree]) -> Iterator[tuple[Expression, Mapping[str, Tree]]]:
    for field in fields:
        inner = {**trees, field.variable: field.item} if field.variable else trees
        yield from ((found, trees) for found in (field.value, field.default, field.each) if found is not None)
        if field.when is not None:
            yield field.when, inner
        yield from _fields(field.fields, inner)
        yield from _links(field.links, inner)


def _links(links: Sequence[Link], trees: Mapping[str, Tree]) -> Iterator[tuple[Expression, Mapping[str, Tree]]]:
    yield from ((expression, trees) for link in links for _, _, expression in link.candidates)


def outcome(expression: Expression, scope: Scope, *, engine: bool) -> Any:
    """The value or the error, with its class, as true equals 1 to Python."""
    try:
        found = expression.by_engine(scope) if engine else expression.evaluate(scope)
    except ValueError as error:
        return "error", str(error)
    return found.__class__, found


@pytest.mark.parametrize("name", files(FOLDER))
@settings(max_examples=20, deadline=None)
@given(data=st.data())
def test_shipped_expressions_yield_what_the_engine_yields(name: str, data: st.DataObject) -> None:
    """Whatever a record holds, the spared engine would have said the same."""
    template = Templates.load(FOLDER).named(name)
    drawn = {variable: data.draw(values(tree)) for variable, tree in template.sources.items()}
    for expression, trees in every(template):
        inner = {variable: data.draw(values(tree)) for variable, tree in trees.items() if variable not in drawn}
        scope = Scope({**drawn, **inner}, trees)
        assert outcome(expression, scope, engine=False) == outcome(expression, scope, engine=True), expression.text


@pytest.mark.parametrize("text", SHAPES)
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_every_shape_yields_what_the_engine_yields(text: str, data: st.DataObject) -> None:
    """Also where values are not of the types that the expression expects."""
    expression = expressions.compiled(text, TREES)
    scope = Scope({"a": data.draw(values(TREES["a"], FEW))}, TREES)
    assert outcome(expression, scope, engine=False) == outcome(expression, scope, engine=True)


@pytest.mark.parametrize("text", SHAPES)
def test_the_engine_is_spared(text: str) -> None:
    """On values of the expected types, the expression needs no engine."""
    evaluate = direct.compiled(text, TREES)
    record = {"text": "x", "number": 4, "deep": {"leaf": "y"}, "many": [{"leaf": "z"}, {"leaf": None}]}
    assert evaluate is not None
    if text not in {"a.text < a.number", "a.number > 1.5", "a.number == 1.5"}:
        assert evaluate({"a": record}) == expressions.compiled(text, TREES).by_engine(Scope({"a": record}, TREES))


@pytest.mark.parametrize(
    "text",
    ["a.number - 1", "-1", "{true: a.text}", "{'x': 1, 'x': 2}", "a.text.split('')", r"'a\n'", "1.5e3", "b.text",
     "a.text."],
)  # fmt: skip
def test_other_shapes_are_left_to_the_engine(text: str) -> None:
    """Nothing is guessed."""
    assert direct.compiled(text, TREES) is None
