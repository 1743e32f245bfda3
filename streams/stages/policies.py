"""Who wins a field where systems disagree: shipped, and a tenant's own in place of that."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from connectors.errors import MappingError
from connectors.kafka.topics import ENTITIES
from streams.stages.mapping import schema
from streams.stages.mapping.template import GIVEN

NEWEST, HOLD, OWNER = "newest", "hold", "owner:"
OWNERS: Mapping[str, str] = {
    "party": "salesforce",
    "product": "salesforce",
    "order": "salesforce",
    "invoice": "quickbooks",
    "payment": "quickbooks",
    "subscription": "stripe",
}
"""Salesforce owns customer master data, QuickBooks finance; of other entities the newest version stands."""
FIELD_OWNERS: Mapping[str, str] = {"party.opted_out": "pardot", "party.currency": "quickbooks"}
"""Exceptions by field."""
UNIONS = frozenset({("party", "emails"), ("party", "phones")})
"""Lists that only grow: the policy decides who stands first."""
STICKY = frozenset({("party", "opted_out")})
"""Only ever come true, whatever the policy: no system can take back a person's no."""
REFERENCES = frozenset({"organisation_id", "customer_id", "contact_id", "order_id", "product_id", "party_id"})
"""Fields of any entity that hold the canonical id of another record: nothing that a person could choose between."""
LISTS = frozenset({"list", "other", "texts"})
"""Kinds of fields where picking one of two values decides nothing."""


@dataclass(frozen=True, slots=True)
class Policy:
    """How one field is decided.

    Attributes:
        name: `owner:<vendor>`, `newest` or `hold`.
        owner: the vendor whose word always counts; "": the newest version's does.
        holds: another system's value waits for a person.
    """

    name: str
    owner: str = ""
    holds: bool = False

    @classmethod
    def parse(cls, text: str) -> "Policy":
        """Read a policy.

        Raises:
            ValueError: it is none.
        """
        if text.startswith(OWNER) and len(text) > len(OWNER):
            return cls(text, owner=text.removeprefix(OWNER))
        if text in (NEWEST, HOLD):
            return cls(text, holds=text == HOLD)
        raise ValueError(f"is {text!r}; use owner:<vendor>, newest or hold")


class Policies:
    """The policies of one tenant.

    Args:
        own: by entity or `entity.field`; custom fields are `entity.custom.<name>`.

    Raises:
        MappingError: one cannot hold.
    """

    def __init__(self, own: Mapping[str, str] | None = None) -> None:
        for target, reason in check_policies(own or {}):
            raise MappingError(f"policies.{target}", reason)
        shipped = {name: f"{OWNER}{vendor}" for name, vendor in {**OWNERS, **FIELD_OWNERS}.items()}
        self._all = {name: Policy.parse(text) for name, text in {**shipped, **(own or {})}.items()}
        self._found: dict[tuple[str, str], Policy] = {}

    def of(self, entity: str, field: str) -> Policy:
        """Return how a field of an entity is decided."""
        found = self._found.get((entity, field))
        if found is None:
            found = self._all.get(f"{entity}.{field}") or self._all.get(entity) or Policy(NEWEST)
            if found.holds and (field in REFERENCES or _is_list(entity, field)):
                found = Policy(NEWEST)
            self._found[entity, field] = found
        return found


def check_policies(own: Mapping[str, str], vendors: Collection[str] | None = None) -> Sequence[tuple[str, str]]:
    """Return what is wrong with a tenant's policies, by target.

    Args:
        own: as for `Policies`.
        vendors: those that may be owners, where a connection is applied; None: any, in one that stands.
    """
    found = []
    for target, text in own.items():
        found += [(target, reason) for reason in _wrong(target, text, vendors)]
    return found


def _wrong(target: str, text: str, vendors: Collection[str] | None) -> Iterator[str]:
    entity, _, field = target.partition(".")
    if entity not in ENTITIES:
        yield f"{entity} is no entity; use one of {', '.join(ENTITIES)}"
        return
    known = schema.entity(entity)
    if vendors is not None and (target.endswith(".") or field in GIVEN):
        yield f"{target} is nothing that systems say; name a field, or leave out all but {entity}"
        return
    if field and not field.startswith("custom.") and field not in known:
        yield f"{entity} has no field {field}; custom ones are {entity}.custom.<name>"
        return
    try:
        policy = Policy.parse(text)
    except ValueError as error:
        yield str(error)
        return
    if vendors is not None and policy.owner and policy.owner not in vendors:
        yield f"names {policy.owner}, which is not connected here; connected are {', '.join(sorted(vendors))}"
    if (entity, field) in STICKY:
        yield "opt-outs always win; remove this"
    # Former releases took it, and it stands in their connections: there it means newest.
    if vendors is not None and policy.holds and field in REFERENCES:
        yield "a reference to another record cannot be held for a person; use owner:<vendor> or newest"
    if policy.holds and _is_list(entity, field):
        yield "a list cannot be held for a person; use owner:<vendor> or newest"


def _is_list(entity: str, field: str) -> bool:
    found = schema.entity(entity).get(field)
    return found is not None and found.kind in LISTS


SHIPPED = Policies()
