"""What a vendor's body has in some declared fields, in their order: what content is compared by."""

from collections.abc import Callable, Mapping
from typing import Any

from streams.stages.mapping.paths import ITEMS, Tree

ABSENT = "\0absent"
"""In place of a field that is not in the body, where that is not the same as an empty one."""
Said = Callable[[Mapping[str, Any]], Any]


def said(tree: Tree, absent: str | None = None) -> Said:
    """Return the function that finds the values which a body has in the fields of a tree.

    Args:
        tree: the declared fields.
        absent: in place of a field that is not in the body.
    """
    names = tuple(tree)
    nested = [(place, _nested(below)) for place, below in enumerate(tree.values()) if below is not None]

    def found(body: Mapping[str, Any]) -> list[Any]:
        get = body.get
        values = [get(name, absent) for name in names]
        for place, below in nested:
            if values[place] is not absent:
                values[place] = below(values[place])
        return values

    return found


def _nested(tree: Tree) -> Callable[[Any], Any]:
    """Return the function that does the same below a field: what is no list or record there is an empty one."""
    if ITEMS in tree:
        each = _nested(tree[ITEMS])
        return lambda value: [each(item) for item in value] if value.__class__ is list else []
    inner = said(tree)
    return lambda value: inner(value if value.__class__ is dict else {})


NOTHING = said({})
