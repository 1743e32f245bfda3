"""`tooling/sobjects/X`: declaring fields and event channels (Tooling API)."""

from collections.abc import Mapping
from typing import Any

from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, not_found
from connectors.sandbox.salesforce.declarations import declare_field
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.org import Org
from connectors.sandbox.salesforce.pubsub.capture import is_captured
from connectors.sandbox.salesforce.pubsub.layout import event_name

_FIELD, _CHANNEL, _MEMBER = "CustomField", "PlatformEventChannel", "PlatformEventChannelMember"
_PREFIXES = {_FIELD: "00N", _CHANNEL: "0YL", _MEMBER: "0v8"}
_SUFFIX = "__chn"


def serve(call: Call) -> Reply:
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
    if name == _FIELD:
        declare_field(org, full_name, known)
    elif name == _CHANNEL:
        _declare_channel(org, full_name)
    else:
        _declare_member(org, known)
    return Reply(201, {"id": org.next_id(_PREFIXES[name]), "success": True, "errors": []})


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
