"""Topics: one object's changes, all selected objects' (`ChangeEvents`), or those of a custom channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.sandbox.context import SandboxContext
from connectors.sandbox.salesforce.org import Org
from connectors.sandbox.salesforce.pubsub.capture import CAPTURED, is_captured
from connectors.sandbox.salesforce.pubsub.layout import event_name
from connectors.sandbox.salesforce.pubsub.refusals import RefusalError

DATA, EVENT = "/data/", "/event/"
EVERY = "ChangeEvents"
HIDDEN, SELECTED = "hidden_entities", "selected_entities"


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the objects whose events it has; `entity` is set for a topic of one object."""

    name: str
    entities: tuple[str, ...]
    entity: str | None = None


class Topics:
    """Finds topics.

    The setting `selected_entities` says whose changes `/data/ChangeEvents` has, `hidden_entities` what the user has no
    right to: a topic of such an object is refused, channels leave its events out without a word.
    """

    def __init__(self, ctx: SandboxContext) -> None:
        self._ctx = ctx

    def find(self, org: Org, name: str) -> Topic:
        """The topic of that name; raises RefusalError."""
        if not name:
            raise RefusalError("topic.validation.empty")
        if name.startswith(EVENT):
            event = org.schema.find(name.removeprefix(EVENT))
            if event is None or not event.platform_event:
                raise RefusalError("topic.not.found")
            return Topic(f"{EVENT}{event.name}", (event.name,), event.name)
        if not name.startswith(DATA):
            raise RefusalError("topic.not.found")
        hidden: list[str] = self._ctx.setting(org.name, HIDDEN, [])
        short = name.removeprefix(DATA)
        members = self._members(org, short)
        if members is not None:
            return Topic(name, tuple(entity for entity in members if entity not in hidden))
        captured = (base.name for base in org.schema if is_captured(base.name))
        entity = next((name for name in captured if event_name(name) == short), None)
        if entity is None:
            raise RefusalError("topic.not.found")
        if entity in hidden:
            raise RefusalError("topic.meta.permission")
        return Topic(name, (entity,), entity)

    def _members(self, org: Org, channel: str) -> Sequence[str] | None:
        if channel == EVERY:
            custom = [base.name for base in org.schema if base.custom]
            selected: list[str] = self._ctx.setting(org.name, SELECTED, list(CAPTURED))
            return [*selected, *custom]
        return org.channels.get(channel)
