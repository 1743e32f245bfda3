"""Form bodies with brackets, as Stripe reads them: `items[0][price]=p&metadata[k]=v&expand[]=x`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from connectors.sandbox.stripe.errors import StripeError, missing_param

PART = re.compile(r"\[([^\]]*)\]")
Params = dict[str, Any]


def parse(text: str) -> Params:
    """Nested dicts; a dict whose keys are all numbers, or `[]`, becomes a list."""
    tree: Params = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        base, bracket, _ = name.partition("[")
        path = [base, *PART.findall(name)] if bracket else [name]
        node = tree
        for step in path[:-1]:
            key = step or str(len(node))
            child = node.get(key)
            if not isinstance(child, dict):
                child = node[key] = {}
            node = child
        node[path[-1] or str(len(node))] = value
    return {name: _lists(value) for name, value in tree.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _lists(item) for name, item in value.items()}
    if inner and all(name.isdigit() for name in inner):
        return [inner[name] for name in sorted(inner, key=int)]
    return inner


def whole(params: Params, name: str, default: int | None = None) -> int:
    """A whole number.

    Raises:
        StripeError: absent without a default, or no number.
    """
    value = params.get(name, default)
    if value is None or value == "":
        raise missing_param(name)
    try:
        return int(value)
    except (TypeError, ValueError):
        raise StripeError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name) from None


def truth(params: Params, name: str, *, default: bool) -> bool:
    """A boolean.

    Raises:
        StripeError: neither true nor false.
    """
    value = params.get(name)
    if value is None:
        return default
    if str(value).lower() not in {"true", "false"}:
        raise StripeError(f"Invalid boolean: {value}", param=name)
    return str(value).lower() == "true"


def text(params: Params, name: str) -> str | None:
    """A text; sent empty it is taken away, which is None too."""
    value = params.get(name)
    return str(value) if value not in (None, "") else None


def required(params: Params, name: str) -> str:
    """A text that must be there.

    Raises:
        StripeError: it is not.
    """
    found = text(params, name)
    if found is None:
        raise missing_param(name)
    return found


def metadata(known: dict[str, str], params: Params) -> dict[str, str]:
    """Metadata merged key by key; an empty value removes its key, an empty whole removes all."""
    sent = params.get("metadata")
    if sent is None:
        return dict(known)
    if sent == "":
        return {}
    if not isinstance(sent, dict):
        raise StripeError("Invalid hash", param="metadata")
    return {name: value for name, value in {**known, **sent}.items() if value != ""}
