"""`expand[]`: ids replaced by their objects, up to four levels deep (docs.stripe.com, "Expanding responses")."""

from typing import Any

from connectors.sandbox.stripe.errors import StripeError
from connectors.sandbox.stripe.forms import Params
from connectors.sandbox.stripe.ledger import PREFIXES, Entity, Ledger, public

DEEPEST = 4


def expanded(ledger: Ledger, entity: Entity, params: Params) -> Entity:
    """The object with what the caller asked to see in full.

    Raises:
        StripeError: a path is too deep or names nothing that can be expanded.
    """
    asked = params.get("expand") or []
    for path in asked if isinstance(asked, list) else [asked]:
        steps = str(path).split(".")
        if len(steps) > DEEPEST:
            raise StripeError("You cannot expand more than 4 levels of a property.", param="expand")
        entity = _expand(ledger, entity, steps, str(path))
    return entity


def _expand(ledger: Ledger, value: Any, steps: list[str], path: str) -> Any:
    if isinstance(value, list):
        return [_expand(ledger, item, steps, path) for item in value]
    if isinstance(value, dict) and steps and steps[0] in value:
        inner = value[steps[0]]
        if isinstance(inner, str):
            inner = _object(ledger, inner, path)
        return {**value, steps[0]: _expand(ledger, inner, steps[1:], path) if steps[1:] else inner}
    if value is None or not steps:
        return value
    message = f"This property cannot be expanded ({path})."
    raise StripeError(message, param="expand")


def _object(ledger: Ledger, id_: str, path: str) -> Entity:
    kind = next((kind for kind, prefix in PREFIXES.items() if id_.startswith(prefix)), None)
    found = ledger.get(kind, id_) if kind else None
    if found is None:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    return public(found)
