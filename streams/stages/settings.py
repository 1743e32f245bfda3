"""What decides a tenant's results: its connection as the inbox last told it, templates and rules made of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from hashlib import sha256
from typing import Any

from connectors.errors import MappingError, RejectedError
from connectors.kafka.codec import Codec
from connectors.kafka.records import ConnectionChanged, CustomField
from streams.stages import normalise, telling
from streams.stages.mapping import Templates
from streams.stages.mapping.custom import check_fields
from streams.stages.policies import SHIPPED, Policies
from streams.stages.rules import Rules, parse_rules
from streams.stages.tables import Rows
from streams.stages.telling import Telling


@dataclass(frozen=True, slots=True)
class Settings:
    """One tenant's settings.

    Attributes:
        vendors: the connected ones.
        values: what expressions read as `settings`.
        tellings: how figures are told, by vendor.
        policies: who wins a field where systems disagree.
        custom_fields: by canonical name, and where vendors have them.
        fingerprint: hash of everything that decides what a record becomes.
    """

    tenant: str
    vendors: frozenset[str]
    zone: str
    currency: str
    templates: Templates
    rules: Rules
    tellings: Mapping[str, Telling] = field(default_factory=dict)
    policies: Policies = SHIPPED
    custom_fields: Mapping[str, CustomField] = field(default_factory=dict)
    fingerprint: str = ""
    values: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        values = {"zone": self.zone, "currency": self.currency, **self.rules.defaults.values}
        object.__setattr__(self, "values", values)


def accept(changed: ConnectionChanged, rows: Rows, shipped: Templates) -> None:
    """Check new settings and let them hold; older revisions are passed over.

    Without vendors the tenant is disconnected and forgotten: connected again, its revisions begin anew.

    Raises:
        MappingError: a mapping, the rules, the zone, a policy or how figures are told is wrong; the former settings
            stay.
    """
    former = rows.connection.get()
    if former is not None and former.revision >= changed.revision:
        return
    if not changed.vendors:
        rows.connection.drop()
        return
    try:
        normalise.zone(changed.zone)
    except ValueError as error:
        raise MappingError("zone", str(error)) from None
    templates = shipped.replaced(changed.mappings, changed.custom_fields)
    for path, reason in check_fields(changed.custom_fields, templates):
        raise MappingError(f"custom_fields.{path}", reason)
    parse_rules(changed.rules)
    _tellings(changed)
    Policies(changed.policies)
    rows.connection.put(changed)


def current(tenant: str, rows: Rows, shipped: Templates) -> Settings:
    """Return the settings that hold.

    Raises:
        RejectedError: the tenant's connection never came.
    """
    raw = rows.connection.raw()
    if raw is None:
        raise RejectedError(f"tenant {tenant} has no connection; say `sluiceway connections apply`, then replay this")
    return _made(raw, rows.codec, shipped)


@lru_cache(maxsize=1024)
def _made(raw: bytes, codec: Codec, shipped: Templates) -> Settings:
    """Read the row; one tenant's records follow each other, so the same bytes come again and again."""
    changed = codec.decode_as(raw, ConnectionChanged)
    return Settings(
        tenant=changed.tenant,
        vendors=frozenset(changed.vendors),
        zone=changed.zone,
        currency=changed.currency,
        templates=shipped.replaced(changed.mappings, changed.custom_fields),
        rules=parse_rules(changed.rules),
        tellings=_tellings(changed),
        policies=Policies(changed.policies) if changed.policies else SHIPPED,
        custom_fields=changed.custom_fields,
        fingerprint=sha256(repr(replace(changed, revision=0)).encode()).hexdigest(),
    )


def _tellings(changed: ConnectionChanged) -> Mapping[str, Telling]:
    return {vendor: telling.parse(vendor, said) for vendor, said in changed.figures.items()}
