"""`tooling/sobjects/X`: declaring fields, event channels and managed subscriptions (Tooling API)."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, not_found
from connectors.sandbox.salesforce.declarations import declare_field
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Org
from connectors.sandbox.salesforce.pubsub.capture import is_captured
from connectors.sandbox.salesforce.pubsub.layout import event_name
from connectors.sandbox.salesforce.pubsub.managed import RUN, STOP, Managed, ManagedSubscriptions

_FIELD, _CHANNEL, _MEMBER = "CustomField", "PlatformEventChannel", "PlatformEventChannelMember"
_PREFIXES = {_FIELD: "00N", _CHANNEL: "0YL", _MEMBER: "0v8", "ManagedEventSubscription": "18x"}
_SUFFIX = "__chn"


class Tooling:
    """Answers `tooling/`.

    Args:
        managed: Where managed subscriptions are declared.
    """

    def __init__(self, managed: ManagedSubscriptions) -> None:
        self._managed = managed

    def serve(self, call: Call) -> Reply:
        """Answer `POST tooling/sobjects/X` with `{FullName, Metadata}`: 201 and an id."""
        name = call.steps[2] if call.steps[1:2] == ("sobjects",) and len(call.steps) == 3 else ""  # noqa: PLR2004
        if name not in _PREFIXES:
            raise not_found()
        if call.method != "POST":
            raise not_allowed(call.method)
        body = call.fields()
        full_name, metadata = str(body.get("FullName")), body.get("Metadata")
        known: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
        org = call.unit.org
        made = org.next_id(_PREFIXES[name])
        if name == _FIELD:
            declare_field(org, full_name, known)
        elif name == _CHANNEL:
            _declare_channel(org, full_name)
        elif name == _MEMBER:
            _declare_member(org, known)
        else:
            self._managed.save(org.name, _managed(made, full_name, known))
        return Reply(201, {"id": made, "success": True, "errors": []})


def _managed(made: str, name: str, metadata: Mapping[str, Any]) -> Managed:
    topic, replay = metadata.get("topicName"), metadata.get("defaultReplay", "LATEST")
    state = metadata.get("state", RUN)
    if not isinstance(topic, str) or replay not in {"LATEST", "EARLIEST"} or state not in {RUN, STOP}:
        message = f"Metadata: needs topicName; defaultReplay LATEST or EARLIEST; state {RUN} or {STOP}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["Metadata"])
    return Managed(made, name, topic, replay == "EARLIEST", state)


def _declare_channel(org: Org, name: str) -> None:
    if not name.endswith(_SUFFIX) or name == _SUFFIX:
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", f"FullName: must be like Sales{_SUFFIX}, not {name}", ["FullName"])
    if name in org.channels:
        message = f"There is already a channel named {name}."
        raise ApiError("DUPLICATE_DEVELOPER_NAME", message, ["FullName"])
    org.set_channel(name, ())


def _declare_member(org: Org, metadata: Mapping[str, Any]) -> None:
    for unserved in ("enrichedFields", "filterExpression"):
        if metadata.get(unserved):
            message = f"Metadata.{unserved}: not served by this sandbox"
            raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["Metadata"])
    channel, event = str(metadata.get("eventChannel")), str(metadata.get("selectedEntity"))
    if channel not in org.channels:
        message = f"Metadata.eventChannel: no channel named {channel}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["Metadata"])
    captured = [base.name for base in org.schema if is_captured(base.name) and event_name(base.name) == event]
    if not captured:
        message = f"Metadata.selectedEntity: no change event named {event}"
        raise ApiError("FIELD_INTEGRITY_EXCEPTION", message, ["Metadata"])
    org.set_channel(channel, tuple(dict.fromkeys((*org.channels[channel], *captured))))
