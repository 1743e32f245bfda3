"""A tenant's business rules for agreed orders: ordered, named, a condition and effects; README.md shows the form."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import Entity
from streams.stages import money
from streams.stages.mapping import expressions, paths, schema
from streams.stages.mapping.document import Node, read
from streams.stages.mapping.errors import TemplateError
from streams.stages.mapping.expressions import Expression
from streams.stages.mapping.paths import Tree

FILE = "rules"
ROLES = ("contact", "customer", "order")
TEXTS = ("class_name", "department", "terms", "tax_code", "memo", "item", "payment_method", "assigned_to")
DOCUMENTS = ("INVOICE", "SALES_RECEIPT")
DEFAULT_VALUES = ("item", "income_account", "shipping_item", "sales_tax", "refund_account")
"""What templates read as `settings`, and no rule changes."""
DEFAULTS = (
    *DEFAULT_VALUES, "terms", "document", "class_name", "department", "tax_code", "payment_method", "assigned_to",
)  # fmt: skip
MAX_RULES = 64
MAX_PERCENT = Decimal(100)


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule."""

    name: str
    when: Expression
    effects: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where no rule says otherwise.

    Attributes:
        order: order fields.
        values: what templates read as `settings.item`, `settings.income_account` and so on.
    """

    order: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rules:
    """All rules of a tenant, in the order in which they are tried."""

    defaults: Defaults
    rules: Sequence[Rule]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules made of an order: fields to set, and whether to send nothing at all."""

    fields: Mapping[str, Any]
    skip: bool


UNTOUCHED: Mapping[str, Any] = {
    "document": "INVOICE", "terms": None, "class_name": None, "department": None, "tax_code": None,
    "discount_percent": None, "memo": None, "item": None, "payment_method": None, "assigned_to": None,
    "hold": False, "hold_reason": None,
}  # fmt: skip
"""The order fields that belong to the rules, as they are without any."""


def judge(rules: Rules, order: Entity, customer: Entity | None, contact: Entity | None) -> Verdict:
    """Return what the rules say of a won order; all that fit apply, a later one overrides an earlier one.

    Raises:
        MappingError: a condition has no answer for this order; names the rule.
    """
    values = {"order": order, "customer": customer, "contact": contact}
    scope = expressions.Scope({role: _Readable(role, value) for role, value in values.items()}, _trees())
    fields = {**UNTOUCHED, "document": _document(order), **rules.defaults.order}
    applied = [rule for rule in rules.rules if _fits(rule, scope)]
    for rule in applied:
        fields |= {name: value for name, value in rule.effects.items() if name != "skip"}
    holding = [rule.name for rule in applied if rule.effects.get("hold")] if fields["hold"] else []
    reason = f"held by rule {', '.join(holding)}" if holding else None
    skip = any(rule.effects.get("skip") for rule in applied)
    return Verdict({**fields, "hold_reason": reason, "applied_rules": [rule.name for rule in applied]}, skip)


def _document(order: Entity) -> str:
    """What is paid already is receipted, anything else invoiced."""
    return "SALES_RECEIPT" if order["payment_status"] == "PAID" else "INVOICE"


def _fits(rule: Rule, scope: expressions.Scope) -> bool:
    found = expressions.evaluate(f"rules.{rule.name}", rule.when, scope)
    if not isinstance(found, bool):
        raise MappingError(f"rules.{rule.name}", f"yields {schema.named(found)}; a condition is true or false")
    return found


class _Readable(Mapping[str, Any]):
    """Every field of an entity, as it is read; amounts as floating point, which compares but is never reckoned with."""

    def __init__(self, role: str, record: Entity | None) -> None:
        self._names = schema.entity(schema.ROLES[role])
        self._record = schema.as_role(role, record)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        return _comparable(self._record.get(name))

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def _comparable(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, Mapping):
        return {key: _comparable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_comparable(item) for item in value]
    return paths.plain(value)


def check_rules(text: str) -> Sequence[TemplateError]:
    """Return what is wrong with a rules text: the first error, if any."""
    try:
        parse_rules(text)
    except TemplateError as error:
        return [error]
    return []


@lru_cache(maxsize=1024)
def parse_rules(text: str) -> Rules:
    """Return the rules in a YAML text.

    Raises:
        TemplateError: with line and rule.
    """
    body = read(FILE, text).mapping(("defaults", "rules"))
    defaults = _defaults(body["defaults"]) if "defaults" in body else Defaults()
    rules = [_rule(node) for node in body["rules"].items()] if "rules" in body else []
    if len(rules) > MAX_RULES:
        raise body["rules"].error(f"has {len(rules)} rules; {MAX_RULES} are allowed")
    seen: set[str] = set()
    for rule, node in zip(rules, body["rules"].items() if rules else (), strict=True):
        if rule.name in seen:
            raise node.error(f"the name {rule.name} stands twice; rename one")
        seen.add(rule.name)
    return Rules(defaults, rules)


def _defaults(node: Node) -> Defaults:
    order, values = {}, {}
    for name, child in node.mapping(DEFAULTS).items():
        if name in DEFAULT_VALUES:
            values[name] = child.text()
        else:
            order[name] = _effect(name, child)
    return Defaults(order, values)


def _rule(node: Node) -> Rule:
    node.mapping(("name", "when", "then"))
    name, then = node.required("name").text(), node.required("then")
    effects = {key: _effect(key, child) for key, child in then.mapping(EFFECTS).items()}
    if not effects:
        raise then.error("has no effect; use one of " + ", ".join(EFFECTS))
    return Rule(name, _condition(node.required("when")), effects)


EFFECTS = ("discount_percent", *TEXTS, "document", "hold", "skip")


@cache
def _trees() -> Mapping[str, Tree]:
    return {role: paths.declare(schema.entity(schema.ROLES[role])) for role in ROLES}


def _condition(node: Node) -> Expression:
    trees = _trees()
    for unknown in paths.unknown(node.text(), trees):
        role = unknown.partition(".")[0]
        raise node.error(f"{unknown} does not exist; {role} has {', '.join(sorted(trees[role]))}")
    try:
        found = expressions.compiled(node.text(), trees)
    except ValueError as error:
        raise node.error(str(error)) from None
    if found.type not in ("BOOL", "DYN"):
        raise node.error(f"yields {found.type}; a condition is true or false")
    return found


def _effect(name: str, node: Node) -> Any:
    if name in ("hold", "skip"):
        return node.flag()
    if name == "document":
        if node.text() not in DOCUMENTS:
            raise node.error(f"is not one of {', '.join(DOCUMENTS)}")
        return node.text()
    if name == "discount_percent":
        return _percent(node)
    return node.text()


def _percent(node: Node) -> Decimal:
    try:
        found = money.decimal(node.text())
    except ValueError:
        raise node.error("is not a number of percent, e.g. 7.5") from None
    if not 0 < found <= MAX_PERCENT:
        raise node.error("should be more than 0 and at most 100")
    return found
