"""One shop during one request: its objects, ids, times and what changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.woocommerce.errors import WooError, invalid, missing
from connectors.sandbox.woocommerce.kinds import KINDS, Kind
from connectors.sandbox.woocommerce.values import coerce, with_meta

Entity = dict[str, Any]
FIRST_ID = {"post": 11, "user": 2}
"""WordPress itself has used the ids before."""
TRASHED = "trash"


@dataclass(frozen=True, slots=True)
class Change:
    """A write, for the meter and the webhooks; `event` is created, updated, deleted or restored."""

    kind: str
    id: int
    event: str


@dataclass(frozen=True, slots=True)
class Shop:
    """Access to one account's objects; `changes` lists what this request wrote."""

    ctx: SandboxContext
    account: str
    settings: Mapping[str, Any]
    changes: list[Change] = field(default_factory=list)

    @property
    def home(self) -> str:
        """The site's address; every account is a site of its own."""
        return f"{self.ctx.base_url}/{self.account}"

    def now(self) -> datetime:
        """The present, UTC, whole seconds."""
        return self.ctx.clock.now().astimezone(UTC).replace(microsecond=0)

    def dates(self, name: str) -> dict[str, str]:
        """A date in the shop's zone and its `_gmt` twin; neither says its zone."""
        now = self.now()
        local = now.astimezone(ZoneInfo(self.settings["time_zone"]))
        return {name: _stamp(local), f"{name}_gmt": _stamp(now)}

    def next_id(self, counter: str) -> int:
        """The next id of a sequence."""
        return self.ctx.database.next(self.account, counter, FIRST_ID.get(counter, 1))

    def get(self, kind: str, id_: Any) -> Entity | None:
        """One object, in the trash or not, or None."""
        return self.ctx.database.get(self.account, kind, str(id_))

    def find(self, kind: str, path: str, *values: str) -> list[Entity]:
        """Objects by the value of one text property."""
        return self.ctx.database.find(self.account, kind, path, values)

    def children(self, kind: Kind, parent: int) -> list[Entity]:
        """The objects an object owns, oldest first."""
        return self.find(kind.name, "_parent", str(parent))

    def require(self, kind: Kind, id_: Any, *, status: int = 404) -> Entity:
        """One object.

        Raises:
            WooError: there is none; reads answer 404 and updates 400 (WC_REST_CRUD_Controller).
        """
        found = self.get(kind.name, id_)
        if found is not None:
            return found
        if not kind.code:
            raise WooError("woocommerce_rest_invalid_id", "Invalid resource ID.", status)
        raise WooError(f"woocommerce_rest_{kind.code}_invalid_id", "Invalid ID.", status)

    def checked(self, kind: Kind, body: Any, *required: str) -> Entity:
        """The writable fields of a request, brought to their types.

        Raises:
            WooError: a type is wrong, or a required field is absent.
        """
        if not isinstance(body, Mapping):
            raise WooError("rest_invalid_json", "Invalid JSON body passed.")
        absent = [name for name in required if body.get(name) in (None, "")]
        if absent:
            raise missing(*absent)
        sent: Entity = {}
        wrong: dict[str, str] = {}
        for name, type_ in kind.writable.items():
            if body.get(name) is None:
                continue
            sent[name], problem = coerce(name, type_, body[name])
            if problem:
                wrong[name] = problem
        if wrong:
            raise invalid(wrong)
        return sent

    def merged(self, kind: Kind, known: Entity, sent: Mapping[str, Any]) -> Entity:
        """The object with plain fields, addresses and meta data as sent; what has rules of its own is the caller's."""
        entity = {**known, **sent}
        for name in ("billing", "shipping"):
            if name in sent:
                clean = {key: str(value) for key, value in sent[name].items() if key in known[name]}
                entity[name] = {**known[name], **clean}
        if "meta_data" in kind.writable:
            entity["meta_data"] = with_meta(
                known.get("meta_data", []), sent.get("meta_data", []), lambda: self.next_id("meta")
            )
        return entity

    def insert(self, kind: Kind, entity: Entity, *, parent: int | None = None, event: str = "created") -> Entity:
        """Store a new object under the next id of its sequence."""
        owner = {} if parent is None else {"_parent": str(parent)}
        stored = {
            "id": self.next_id(kind.counter),
            **entity,
            **self.dates("date_created"),
            **self.dates("date_modified"),
            **owner,
        }
        return self.write(kind, stored, event)

    def replace(self, kind: Kind, entity: Entity, event: str = "updated") -> Entity:
        """Store a new state: the time of modification moves on."""
        return self.write(kind, {**entity, **self.dates("date_modified")}, event)

    def write(self, kind: Kind, entity: Entity, event: str) -> Entity:
        """Store an object as it is; an empty `event` announces nothing."""
        self.ctx.database.put(self.account, kind.name, str(entity["id"]), entity)
        self.ctx.wrote(self.account, kind.name)
        if event:
            self.changes.append(Change(kind.name, entity["id"], event))
        return entity

    def erase(self, kind: Kind, entity: Entity) -> None:
        """Delete for good. WooCommerce announces this of users only; of posts it announces the way to the trash."""
        self.ctx.database.remove(self.account, kind.name, str(entity["id"]))
        self.ctx.wrote(self.account, kind.name)
        if kind.counter == "user":
            self.changes.append(Change(kind.name, entity["id"], "deleted"))

    def shown(self, kind: Kind, entity: Entity) -> Entity:
        """An object as the API answers it."""
        path = kind.path.replace("{parent}", str(entity.get("_parent", "")))
        base = f"{self.home}/wp-json/wc/v3/{path}"
        links: Entity = {"self": [{"href": f"{base}/{entity['id']}"}], "collection": [{"href": base}]}
        if kind.parent:
            owner = KINDS[kind.parent].path
            links["up"] = [{"href": f"{self.home}/wp-json/wc/v3/{owner}/{entity['_parent']}"}]
        visible = {name: _lines(name, value) for name, value in _public(entity).items()}
        return {**visible, "_links": links}


def _public(value: Entity) -> Entity:
    return {name: inner for name, inner in value.items() if not name.startswith("_")}


def _lines(name: str, value: Any) -> Any:
    return [_public(line) for line in value] if name.endswith(("_lines", "line_items")) else value


def _stamp(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%S")
