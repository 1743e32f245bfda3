"""YAML with the line of every value, so that an error can name it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from streams.stages.mapping.errors import TemplateError

MAX_DEPTH = 32


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a YAML file: a scalar, a list of nodes or nodes by key.

    `path` is dotted from the top of the file, for messages; `written` is a scalar as it stands there.
    """

    file: str
    line: int
    path: str
    value: Any
    written: str = field(default="", repr=False, compare=False)

    def error(self, reason: str) -> TemplateError:
        """Return an error that points here."""
        return TemplateError(self.file, self.line, self.path or "(top)", reason)

    def mapping(self, known: Sequence[str] | None = None) -> Mapping[str, "Node"]:
        """Return the nodes by key.

        Raises:
            TemplateError: it is no mapping, or has a key that is not in `known`.
        """
        if not isinstance(self.value, dict):
            raise self.error("should be a mapping of keys to values")
        for key, node in self.value.items():
            if known is not None and key not in known:
                raise node.error(f"key {key} is unknown; use one of {', '.join(sorted(known))}")
        return self.value

    def items(self) -> Sequence["Node"]:
        """Return the nodes of a list."""
        if not isinstance(self.value, list):
            raise self.error("should be a list")
        return self.value

    def text(self) -> str:
        """Return a text; numbers and truth values are read as they would be written in CEL."""
        if isinstance(self.value, bool):
            return str(self.value).lower()
        if isinstance(self.value, int | float):
            return str(self.value)
        if not isinstance(self.value, str) or not self.value.strip():
            raise self.error("should be a text")
        return self.value.strip()

    def words(self) -> str:
        """Return a text as it is written, where YAML takes `007`, `no` or `1:30` for a number or a truth value."""
        return self.written if isinstance(self.value, bool | int | float) and self.written else self.text()

    def flag(self) -> bool:
        """Return a truth value."""
        if not isinstance(self.value, bool):
            raise self.error("should be true or false")
        return self.value

    def number(self) -> int:
        """Return a whole number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int):
            raise self.error("should be a whole number")
        return self.value

    def required(self, key: str) -> "Node":
        """Return the node of a key that must be there."""
        found = self.mapping().get(key)
        if found is None:
            raise self.error(f"key {key} is missing; add it")
        return found


def text_of(path: Path) -> str:
    """Return the text of a file.

    Raises:
        TemplateError: it is not UTF-8.
        OSError: it cannot be read.
    """
    raw = path.read_bytes()
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise TemplateError(str(path), line, "(top)", "is not UTF-8 text; save it as UTF-8") from None


def read(file: str, text: str) -> Node:
    """Parse one YAML document.

    Raises:
        TemplateError: not YAML, or a key stands twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.reader.ReaderError as error:
        reason = f"is not YAML: the character {error.character:#06x} may not stand in it; remove it"
        raise TemplateError(file, text.count("\n", 0, error.position) + 1, "(top)", reason) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        reason = f"is not YAML: {error.problem or 'cannot be read'}"
        raise TemplateError(file, mark.line + 1 if mark else 1, "(top)", reason) from None
    except RecursionError:
        raise TemplateError(file, 1, "(top)", f"is nested deeper than {MAX_DEPTH} levels") from None
    if root is None:
        return Node(file, 1, "", {})
    return _node(file, "", root, yaml.SafeLoader(""), MAX_DEPTH)


def _node(file: str, path: str, node: Any, loader: yaml.SafeLoader, depth: int) -> Node:
    """Return a node of YAML with all below it; `depth` levels of it, since an alias may hold itself."""
    line = node.start_mark.line + 1
    if depth == 0:
        reason = f"is nested deeper than {MAX_DEPTH} levels; does an alias hold itself?"
        raise TemplateError(file, line, path.partition("[")[0], reason)
    if isinstance(node, yaml.MappingNode):
        return Node(file, line, path, dict(_pairs(file, path, node, loader, depth)))
    if isinstance(node, yaml.SequenceNode):
        below = [_node(file, f"{path}[{i}]", child, loader, depth - 1) for i, child in enumerate(node.value)]
        return Node(file, line, path, below)
    try:
        return Node(file, line, path, loader.construct_object(node), node.value)
    except (yaml.YAMLError, ValueError):
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        raise TemplateError(file, line, path, f"is no {kind}; put a text in quotes") from None


def _pairs(file: str, path: str, node: Any, loader: yaml.SafeLoader, depth: int) -> Iterator[tuple[str, Node]]:
    seen = set()
    for key_node, value_node in node.value:
        key = str(key_node.value)
        below = f"{path}.{key}" if path else key
        if key in seen:
            raise TemplateError(file, key_node.start_mark.line + 1, below, "stands twice; remove one")
        seen.add(key)
        child = _node(file, below, value_node, loader, depth - 1)
        yield key, Node(file, key_node.start_mark.line + 1, below, child.value, child.written)
