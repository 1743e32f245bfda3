"""`composite`: up to 25 calls in one, later ones refer to earlier ones' answers as `@{reference.path}`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from connectors.sandbox.salesforce.calls import Call, Reply, not_found, refused
from connectors.sandbox.salesforce.errors import ApiError

_MOST = 25
_FIRST_REFUSAL = 400
_REFERENCE = re.compile(r"@\{(\w+)\.([\w.\[\]]+)\}")
_STEP = re.compile(r"(\w+)|\[(\d+)\]")
_PATH = re.compile(r"/services/data/v(\d\d\.0)/(.+)")
_ROLLED_BACK = ApiError(
    "PROCESSING_HALTED",
    "The transaction was rolled back since another operation in the same transaction failed.",
)


def serve(call: Call, dispatch: Callable[[Call], Reply]) -> Reply:
    """Answer `composite`; every subrequest goes through `dispatch`.

    Raises:
        ApiError: JSON_PARSER_ERROR for a malformed request, LIMIT_EXCEEDED for more than 25 subrequests.
    """
    body = call.fields()
    replies = run(call, body.get("compositeRequest"), dispatch, most=_MOST, all_or_none=body.get("allOrNone") is True)
    return Reply(200, {"compositeResponse": shown(replies)})


def run(
    call: Call, parts: object, dispatch: Callable[[Call], Reply], *, most: int, all_or_none: bool
) -> dict[str, Reply]:
    """Carry out subrequests; returns their replies by reference. Raises ApiError for a malformed list."""
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise ApiError("JSON_PARSER_ERROR", "compositeRequest must be a non-empty array", ["compositeRequest"])
    if len(parts) > most:
        raise ApiError("LIMIT_EXCEEDED", f"The composite request has more than {most} subrequests.")
    names = [part.get("referenceId") for part in parts]
    if not all(isinstance(name, str) and re.fullmatch(r"\w+", name) for name in names) or len({*names}) < len(names):
        raise ApiError("JSON_PARSER_ERROR", "referenceId must be unique and of letters, digits, _", ["referenceId"])
    return _run_all(call, parts, dispatch, all_or_none=all_or_none)


def _run_all(
    call: Call, parts: list[Mapping[str, Any]], dispatch: Callable[[Call], Reply], *, all_or_none: bool
) -> dict[str, Reply]:
    mark = call.unit.mark()
    replies: dict[str, Reply] = {}
    for part in parts:
        replies[part["referenceId"]] = _run(call, part, replies, dispatch)
    if not all_or_none or all(reply.status < _FIRST_REFUSAL for reply in replies.values()):
        return replies
    call.unit.back_to(mark)
    halted = Reply(400, _ROLLED_BACK.envelope())
    return {name: reply if reply.status >= _FIRST_REFUSAL else halted for name, reply in replies.items()}


def _run(call: Call, part: Mapping[str, Any], replies: Mapping[str, Reply], dispatch: Callable[[Call], Reply]) -> Reply:
    try:
        with call.unit.savepoint():
            return dispatch(subcall(call, part, replies))
    except ApiError as error:
        return refused(error)


def subcall(call: Call, part: Mapping[str, Any], replies: Mapping[str, Reply]) -> Call:
    """A subrequest as a call of its own, references to earlier replies resolved; raises ApiError."""
    url = urlsplit(_resolved(str(part.get("url") or ""), replies))
    match = _PATH.fullmatch(url.path)
    if match is None:
        raise not_found()
    steps = tuple(unquote(step) for step in match.group(2).split("/") if step)
    if steps[:1] == ("composite",) and steps[1:2] != ("sobjects",):
        raise ApiError("INVALID_OPERATION", "a composite request cannot contain another one")
    headers = {str(name).lower(): str(value) for name, value in (part.get("httpHeaders") or {}).items()}
    return replace(
        call,
        method=str(part.get("method") or "").upper(),
        steps=steps,
        params=dict(parse_qsl(url.query, keep_blank_values=True)),
        body=_resolved(part.get("body"), replies),
        headers={**call.headers, **headers},
        version=match.group(1),
    )


def _resolved(value: Any, replies: Mapping[str, Reply]) -> Any:
    if isinstance(value, dict):
        return {name: _resolved(inner, replies) for name, inner in value.items()}
    if isinstance(value, list):
        return [_resolved(inner, replies) for inner in value]
    if isinstance(value, str):
        return _REFERENCE.sub(lambda match: _looked_up(match.group(1), match.group(2), replies), value)
    return value


def _looked_up(name: str, path: str, replies: Mapping[str, Reply]) -> str:
    found: Any = replies[name].body if name in replies else None
    for key, index in _STEP.findall(path):
        if key and isinstance(found, dict):
            found = found.get(key)
        elif index and isinstance(found, list) and int(index) < len(found):
            found = found[int(index)]
        else:
            found = None
    if found is None or isinstance(found, dict | list):
        message = f"Invalid reference specified. No value for {name}.{path} found in {name}"
        raise ApiError("PROCESSING_HALTED", message)
    return str(found)


def shown(replies: Mapping[str, Reply]) -> list[dict[str, Any]]:
    """Replies as `compositeResponse` has them."""
    return [
        {
            "body": reply.body,
            "httpHeaders": dict(reply.headers),
            "httpStatusCode": reply.status,
            "referenceId": name,
        }
        for name, reply in replies.items()
    ]
