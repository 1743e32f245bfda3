"""Expressions that a template gives a name, `let: {paid: …}`, and that stand wherever it says `let.paid`.

They are no values but text: they are checked where they are used, and may read what may be read there, as the item of
a list.
"""

import re

from streams.stages.mapping.document import Node
from streams.stages.mapping.paths import STRINGS

_USE = re.compile(rf"{STRINGS}|(?<![\w.])let\.(?P<name>\w+)")


class Lets:
    """The names of one template.

    Args:
        node: the section, if there is one; an expression may use those above it.

    Raises:
        TemplateError: one of them uses a name that stands nowhere above it.
    """

    def __init__(self, node: Node | None) -> None:
        self.texts: dict[str, str] = {}
        self._unused: dict[str, Node] = {}
        for name, child in node.mapping().items() if node is not None else ():
            self.texts[name] = self.put_in(child)
            self._unused[name] = child

    def put_in(self, node: Node) -> str:
        """Return an expression with what the names in it stand for.

        Raises:
            TemplateError: there is no such name.
        """
        text = node.text()

        def meant(match: re.Match[str]) -> str:
            name = match["name"]
            if name is None:
                return match[0]
            if name not in self.texts:
                raise node.error(f"unknown name let.{name}; add it under let or correct it")
            self._unused.pop(name, None)
            return self.texts[name] if match[0] == text else f"({self.texts[name]})"

        return _USE.sub(meant, text)

    def all_used(self) -> None:
        """Refuse names that nothing uses, which nothing would have checked.

        Raises:
            TemplateError: names the first.
        """
        for node in self._unused.values():
            raise node.error("is used nowhere; remove it")
