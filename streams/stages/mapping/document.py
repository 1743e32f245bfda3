"""YAML with the line of every value, so that an error can name it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from streams.stages.mapping.errors import TemplateError


@dataclass(frozen=True, slots=True)
class Node:
    """One value of a YAML file: a scalar, a list of nodes or nodes by key.

    `path` is dotted from the top of the file, for messages.
    """

    file: str
    line: int
    path: str
    value: Any

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
            raise self.error(f"key {key} is missing")
        return found


def read(file: str, text: str) -> Node:
    """Parse one YAML document.

    Raises:
        TemplateError: not YAML, or a key stands twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be read"
        raise TemplateError(file, mark.line + 1 if mark else 1, "(top)", f"is not YAML: {problem}") from None
    if root is None:
        return Node(file, 1, "", {})
    return _node(file, "", root, yaml.SafeLoader(""))


def _node(file: str, path: str, node: Any, loader: yaml.SafeLoader) -> Node:
    line = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return Node(file, line, path, dict(_pairs(file, path, node, loader)))
    if isinstance(node, yaml.SequenceNode):
        return Node(file, line, path, [_node(file, f"{path}[{i}]", n, loader) for i, n in enumerate(node.value)])
    return Node(file, line, path, loader.construct_object(node))


def _pairs(file: str, path: str, node: Any, loader: yaml.SafeLoader) -> Iterator[tuple[str, Node]]:
    seen = set()
    for key_node, value_node in node.value:
        key = str(key_node.value)
        below = f"{path}.{key}" if path else key
        if key in seen:
            raise TemplateError(file, key_node.start_mark.line + 1, below, "stands twice; remove one")
        seen.add(key)
        child = _node(file, below, value_node, loader)
        yield key, Node(file, key_node.start_mark.line + 1, below, child.value)
