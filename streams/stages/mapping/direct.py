"""Expressions of the usual shapes as Python functions: the engine's values, without carrying each record over to it.

Paths, texts, lists, maps, our functions, `? :`, `==`, `&&`, `+` and the like. What it does not know, it leaves to the
engine: when an expression is compiled (another shape) and when it is evaluated (a value of an unusual type, any error),
so that what is an error, and its message, is the engine's decision alone.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from streams.stages.mapping import functions, paths
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.schema import Type
from streams.stages.mapping.values import HELPERS, LeftToEngineError

Values = Mapping[str, Any]
"""Records by variable, as they are: JSON or canonical."""
Direct = Callable[[Values], Any]

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'[^'\\\n]*'|\"[^\"\\\n]*\")|(?P<int>\d{1,18})(?![\w.])|(?P<float>\d{1,15}\.\d{1,15})(?![\w.])"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<op>\|\||&&|==|!=|<=|>=|[-+?:.,()\[\]{}<>!]))"
)
_CONSTANTS: Mapping[str, str] = {"true": "True", "false": "False", "null": "None"}
_COMPARED: Mapping[str, str] = {
    "==": "equal({}, {})", "!=": "(not equal({}, {}))",
    "<": "(order({}, {}) < 0)", "<=": "(order({}, {}) <= 0)",
    ">": "(order({}, {}) > 0)", ">=": "(order({}, {}) >= 0)",
}  # fmt: skip
_WITH_NULL: Mapping[str, str] = {"==": "({} is None)", "!=": "({} is not None)"}


class Names:
    """The objects that generated source refers to, by name; `HELPERS` are there already."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = dict(HELPERS)
        self._known: dict[int, str] = {}

    def add(self, value: Any) -> str:
        """Return the name of an object; the same one has the same, so that equal expressions have equal source."""
        name = self._known.setdefault(id(value), f"c{len(self.values)}")
        self.values[name] = value
        return name


def compiled(text: str, trees: Mapping[str, Tree]) -> Direct | None:
    """Return the function of an expression that the engine accepts; None: it is left to the engine.

    Args:
        text: the expression.
        trees: declared fields by variable.
    """
    names = Names()
    try:
        found = source(text, trees, {variable: f"v[{variable!r}]" for variable in trees}, names)
    except LeftToEngineError:
        return None
    function: Direct = eval(f"lambda v: {found}", names.values)  # noqa: S307  made of parsed tokens only
    return function


def source(text: str, trees: Mapping[str, Tree], roots: Mapping[str, str], names: Names) -> str:
    """Return an expression as Python source.

    Args:
        text: the expression; the engine accepts it.
        trees: declared fields by variable.
        roots: Python source by variable.
        names: what the source refers to.

    Raises:
        LeftToEngineError: not a shape that is known here.
    """
    return _Parser(text, trees, roots, names).whole()


def typed_source(
    text: str, wanted: Type, trees: Mapping[str, Tree], roots: Mapping[str, str], names: Names
) -> str | None:
    """Return what `source` does, but such that it yields the value of a field of type `wanted` as the codec has it.

    None: only `Type.convert` makes that of what the expression yields.
    """
    return _Parser(text, trees, roots, names).typed(wanted)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, text = 0, text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            raise LeftToEngineError
        yield match.lastgroup, match[match.lastgroup]
        at = match.end()


class _Parser:
    """One expression, from the loosest operator to the tightest; each part becomes Python source."""

    def __init__(self, text: str, trees: Mapping[str, Tree], roots: Mapping[str, str], names: Names) -> None:
        self._trees = trees
        self._roots = roots
        self._names = names
        self._tokens = [*_tokens(text), ("end", "")]
        self._at = 0
        self._locals: list[str] = []
        self._truths: set[str] = set()
        """Source that yields True or False and nothing else."""
        self._raw: dict[str, str] = {}
        """Source of a field's value to the source of the same as the record has it, a decimal not made a text."""

    def whole(self) -> str:
        found = self._choice()
        self._expect("")
        return found

    def typed(self, wanted: Type) -> str | None:
        (kind, name), opening = self._tokens[0], self._tokens[1]
        if kind != "name" or opening != ("op", "("):
            return None
        self._at = 2
        arguments = self._arguments(")")
        make = functions.TYPED.get((wanted.kind, name, len(arguments)))
        if make is None or self._tokens[self._at][0] != "end":
            return None
        return self._called(make(wanted), name, arguments)

    def _next(self) -> tuple[str, str]:
        self._at += 1
        return self._tokens[self._at - 1]

    def _sees(self, *operators: str) -> bool:
        kind, text = self._tokens[self._at]
        return kind == "op" and text in operators

    def _takes(self, operator: str) -> bool:
        if not self._sees(operator):
            return False
        self._at += 1
        return True

    def _expect(self, text: str) -> None:
        kind, found = self._next()
        if found != text or kind not in ("op", "end"):
            raise LeftToEngineError

    def _true(self, found: str) -> str:
        return found if found in self._truths else f"truth({found})"

    def _truth(self, found: str) -> str:
        self._truths.add(found)
        return found

    def _choice(self) -> str:
        condition = self._either()
        if not self._takes("?"):
            return condition
        then = self._either()
        self._expect(":")
        return f"({then} if {self._true(condition)} else {self._choice()})"

    def _either(self) -> str:
        found = self._both()
        while self._takes("||"):
            found = self._truth(f"({self._true(found)} or {self._true(self._both())})")
        return found

    def _both(self) -> str:
        found = self._comparison()
        while self._takes("&&"):
            found = self._truth(f"({self._true(found)} and {self._true(self._comparison())})")
        return found

    def _comparison(self) -> str:
        found = self._sum()
        if self._tokens[self._at] == ("name", "in"):
            self._at += 1
            return self._truth(f"within({found}, {self._sum()})")
        if not self._sees(*_COMPARED):
            return found
        operator = self._next()[1]
        other = self._sum()
        if self._sees(*_COMPARED):
            raise LeftToEngineError
        if other == "None" and operator in _WITH_NULL:
            return self._truth(_WITH_NULL[operator].format(found))
        return self._truth(_COMPARED[operator].format(found, other))

    def _sum(self) -> str:
        found = self._unary()
        while self._takes("+"):
            found = f"plus({found}, {self._unary()})"
        if self._sees("-"):
            raise LeftToEngineError
        return found

    def _unary(self) -> str:
        return self._truth(f"(not {self._true(self._unary())})") if self._takes("!") else self._member()

    def _member(self) -> str:
        found = self._primary()
        while True:
            if self._takes("["):
                found = f"at({found}, {self._choice()})"
                self._expect("]")
            elif self._takes("."):
                kind, name = self._next()
                if kind != "name":
                    raise LeftToEngineError
                found = self._method(found, name) if self._takes("(") else f"item({found}, {name!r})"
            else:
                return found

    def _primary(self) -> str:
        kind, text = self._next()
        if kind == "text":
            return repr(text[1:-1])
        if kind in ("int", "float"):
            return repr(int(text) if kind == "int" else float(text))
        if kind == "name":
            return self._named(text)
        if text == "(":
            found = self._choice()
            self._expect(")")
            return found
        if text == "[":
            return f"[{', '.join(self._arguments(']'))}]"
        if text == "{":
            return self._map()
        raise LeftToEngineError

    def _map(self) -> str:
        found: dict[str, str] = {}
        while not self._takes("}"):
            if found:
                self._expect(",")
            kind, text = self._next()
            self._expect(":")
            key = repr(text[1:-1]) if kind == "text" else text.lstrip("0") or "0"
            if kind not in ("text", "int") or key in found:
                raise LeftToEngineError
            found[key] = self._choice()
        return f"{{{', '.join(f'{key}: {value}' for key, value in found.items())}}}"

    def _arguments(self, end: str) -> list[str]:
        found: list[str] = []
        if self._takes(end):
            return found
        found.append(self._choice())
        while self._takes(","):
            found.append(self._choice())
        self._expect(end)
        return found

    def _named(self, name: str) -> str:
        if self._takes("("):
            return self._call(name, self._arguments(")"))
        if name in self._locals:
            return f"l_{name}"
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        if name in self._trees:
            return self._path(name)
        raise LeftToEngineError

    def _call(self, name: str, arguments: list[str]) -> str:
        if name == "dyn" and len(arguments) == 1:
            return arguments[0]
        function = functions.DIRECT.get((name, len(arguments)))
        if function is None:
            raise LeftToEngineError
        return self._called(function, name, arguments)

    def _called(self, function: Callable[..., Any], name: str, arguments: list[str]) -> str:
        if name in functions.NUMERIC:
            arguments = [self._raw.get(argument, argument) for argument in arguments]
        return f"{self._names.add(function)}({', '.join(arguments)})"

    def _path(self, variable: str) -> str:
        """Read a declared field; deeper than that, and lists, only where the tree says so."""
        tree: Tree | None = self._trees[variable]
        names: list[str] = []
        while tree is not None and paths.ITEMS not in tree and self._sees("."):
            kind, name = self._tokens[self._at + 1]
            if kind != "name" or name not in tree or self._tokens[self._at + 2] == ("op", "("):
                break
            self._at += 2
            names.append(name)
            tree = tree[name]
        root = self._roots[variable]
        if tree is not None:
            return f"read({root}, {tuple(names)}, {self._names.add(tree)})"
        first, *further = names
        root = f"{root}.get({first!r})"
        if not further:
            found = f"(x if (x := {root}) is None or x.__class__ is str and NUL not in x else plain(x))"
            self._raw[found] = root
            return found
        for name in further[:-1]:
            root = f"below({root}, {name!r})"
        found = f"leaf({root}, {further[-1]!r})"
        self._raw[found] = f"below({root}, {further[-1]!r})"
        return found

    def _method(self, target: str, name: str) -> str:
        if name == "startsWith":
            [prefix] = self._one()
            return self._truth(f"text({target}).startswith(text({prefix}))")
        if name == "split":
            kind, separator = self._next()
            self._expect(")")
            if kind != "text" or separator in ("''", '""'):
                raise LeftToEngineError
            return f"text({target}).split({separator[1:-1]!r})"
        if name not in ("map", "filter"):
            raise LeftToEngineError
        kind, variable = self._next()
        if kind != "name" or variable in self._trees or variable in self._locals:
            raise LeftToEngineError
        self._expect(",")
        self._locals.append(variable)
        [each] = self._one()
        self._locals.pop()
        if name == "map":
            return f"mapped(lambda l_{variable}: {each}, {target})"
        return f"filtered(lambda l_{variable}: {self._true(each)}, {target})"

    def _one(self) -> list[str]:
        arguments = self._arguments(")")
        if len(arguments) != 1:
            raise LeftToEngineError
        return arguments
