"""A tenant's business rules for agreed orders: ordered, named, a condition and effects; README.md shows the form."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from connectors.errors import MappingError
from connectors.kafka.records import Entity
from streams.stages import compared, money
from streams.stages.mapping import expressions, paths, schema, soundness
from streams.stages.mapping.document import Node, read
from streams.stages.mapping.errors import TemplateError
from streams.stages.mapping.expressions import Expression
from streams.stages.mapping.paths import Tree
from streams.stages.mapping.schema import Type

FILE = "rules"
ROLES = ("contact", "customer", "order")
TEXTS = ("class_name", "department", "terms", "tax_code", "memo", "item", "payment_method", "assigned_to")
CUSTOM = "custom"
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
    """One rule.

    Attributes:
        name: tells that it applied.
        when: its condition.
        effects: what it sets, by order field.
        node: of the condition.
        customs: roles and custom fields that it reads, as null where a record lacks them.
    """

    name: str
    when: Expression
    effects: Mapping[str, Any]
    node: Node
    customs: frozenset[tuple[str, str]]


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
    scopes: dict[frozenset[tuple[str, str]], expressions.Scope] = {}
    for rule in rules.rules:
        if rule.customs not in scopes:
            readable = {role: _Readable(role, value, rule.customs) for role, value in values.items()}
            scopes[rule.customs] = expressions.Scope(readable, _trees())
    fields = {**UNTOUCHED, "document": _document(order), **rules.defaults.order}
    applied = [rule for rule in rules.rules if _fits(rule, scopes[rule.customs])]
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

    def __init__(self, role: str, record: Entity | None, customs: Iterable[tuple[str, str]]) -> None:
        self._names = schema.entity(schema.ROLES[role])
        self._custom = {name: None for of, name in customs if of == role}
        self._record = schema.as_role(role, record)

    def __getitem__(self, name: str) -> Any:
        if name not in self._names:
            raise KeyError(name)
        found = _comparable(self._record.get(name))
        return {**self._custom, **found} if name == CUSTOM and self._custom else found

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


def check_rules(text: str, file: str = FILE) -> Sequence[TemplateError]:
    """Return what is wrong with a rules text: why it cannot be read, else conditions that mean nothing."""
    try:
        found = parse_rules(text, file)
    except TemplateError as error:
        return [error]
    return [error for rule in found.rules for error in _unsound(rule)]


def _unsound(rule: Rule) -> Sequence[TemplateError]:
    """Return what is wrong with a condition that can be read."""
    wrong = list(soundness.condition(rule.node, rule.when, _trees()))
    sample = {role: _sample(Type("record", fields=schema.entity(schema.ROLES[role]))) for role in ROLES}
    for role, name in rule.customs:
        sample[role][CUSTOM][name] = None
    try:
        found = rule.when.by_engine(expressions.Scope(sample, _trees()))
        if found is not None and not isinstance(found, bool):
            wrong.append(rule.node.error(f"yields {schema.named(found)}; a condition is true or false"))
    except expressions.WrongTypeError as error:
        # What is null is so in the sample alone: of custom fields nobody knows the type.
        if "null" not in str(error):
            wrong.append(rule.node.error(str(error).replace("add it to the fields under source", "correct its name")))
    except ValueError:
        pass  # decided by values
    return [*wrong, *map(rule.node.error, compared.mistaken(rule.when.text))][:1]


_SAMPLES: Mapping[str, Any] = {
    "boolean": True, "decimal": 1.0, "long": 1, "int": 1, "string": "text", "texts": ["text"],
    "date": "2026-01-31", "timestamp-micros": "2026-01-31T12:00:00.000000Z",
}  # fmt: skip


def _sample(wanted: Type) -> Any:
    """Return a value of a type, everything in it filled."""
    if wanted.kind == "list":
        return [_sample(Type("record", fields=wanted.fields))]
    if wanted.fields is not None:
        return {name: _sample(part) for name, part in wanted.fields.items()}
    return {} if wanted.kind == "other" else _SAMPLES.get(wanted.kind, next(iter(wanted.symbols), None))


@lru_cache(maxsize=1024)
def parse_rules(text: str, file: str = FILE) -> Rules:
    """Return the rules in a YAML text.

    Raises:
        TemplateError: with file, line and rule.
    """
    body = read(file, text).mapping(("defaults", "rules"))
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
            values[name] = child.words()
        else:
            order[name] = _effect(name, child)
    return Defaults(order, values)


def _rule(node: Node) -> Rule:
    node.mapping(("name", "when", "then"))
    name, then = node.required("name").words(), node.required("then")
    effects = {key: _effect(key, child) for key, child in then.mapping(EFFECTS).items()}
    if not effects:
        raise then.error("has no effect; use one of " + ", ".join(EFFECTS))
    when = node.required("when")
    return Rule(name, _condition(when), effects, when, _customs(when.text()))


EFFECTS = ("discount_percent", *TEXTS, "document", "hold", "skip")


@cache
def _trees() -> Mapping[str, Tree]:
    return {role: schema.tree(schema.entity(schema.ROLES[role])) for role in ROLES}


def _customs(text: str) -> frozenset[tuple[str, str]]:
    """Return roles and custom fields that a condition reads, unless it asks itself whether they are there."""
    read_ = {(role, dotted or quoted) for role, dotted, quoted in _CUSTOM.findall(text) if role in ROLES}
    return frozenset(
        (role, name)
        for role, name in read_
        if not re.search(
            rf"['\"]{re.escape(name)}['\"]\s+in\s+{role}\.custom\b|\bhas\({role}\.custom\.{re.escape(name)}\)", text
        )
    )


_CUSTOM = re.compile(r"\b(\w+)\.custom(?:\.(\w+)\b(?!\s*\()|\[['\"]([^'\"]+)['\"]\])")


def _condition(node: Node) -> Expression:
    trees = _trees()
    for unknown in paths.unknown(node.text(), trees):
        above, _, name = unknown.rpartition(".")
        role, *steps = above.split(".")
        known: Tree = trees[role]
        for step in steps:
            known = known[step]
        raise node.error(f"{above}.{name} does not exist; {above} has {', '.join(sorted(known))}")
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
    return node.words()


def _percent(node: Node) -> Decimal:
    try:
        found = money.decimal(node.words())
    except ValueError:
        raise node.error("is not a number of percent, e.g. 7.5") from None
    try:
        schema.entity("order")["discount_percent"].convert(found)
    except ValueError as error:
        raise node.error(str(error)) from None
    if not 0 < found <= MAX_PERCENT:
        raise node.error("should be more than 0 and at most 100")
    return found
