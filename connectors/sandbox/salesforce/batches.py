"""`composite/batch`: up to 25 calls, each on its own; `composite/graph`: groups of calls that hold together."""

from collections.abc import Callable
from typing import Any, TypeAlias

from connectors.sandbox.salesforce import composite
from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed, refused
from connectors.sandbox.salesforce.errors import ApiError

Dispatch: TypeAlias = Callable[[Call], Reply]
_MOST_CALLS = 25
# "Composite Graph Limits".
_MOST_NODES, _MOST_GRAPHS, _MOST_FAILED = 500, 75, 14
_FIRST_REFUSAL = 400


def batch(call: Call, dispatch: Dispatch) -> Reply:
    """Answer `composite/batch`: no call undoes another; `haltOnError` skips what follows a failure."""
    if call.method != "POST":
        raise not_allowed(call.method)
    body = call.fields()
    parts = body.get("batchRequests")
    if not isinstance(parts, list) or not parts or not all(isinstance(part, dict) for part in parts):
        raise ApiError("JSON_PARSER_ERROR", "batchRequests must be a non-empty array", ["batchRequests"])
    if len(parts) > _MOST_CALLS:
        raise ApiError("LIMIT_EXCEEDED", f"The batch has more than {_MOST_CALLS} requests.")
    results: list[dict[str, Any]] = []
    for part in parts:
        if body.get("haltOnError") is True and any(row["statusCode"] >= _FIRST_REFUSAL for row in results):
            halted = ApiError("BATCH_PROCESSING_HALTED", "Batch processing halted as requested by the client")
            results.append({"statusCode": 412, "result": halted.envelope()})
            continue
        reply = _one(call, part, dispatch)
        results.append({"statusCode": reply.status, "result": reply.body})
    failed = any(row["statusCode"] >= _FIRST_REFUSAL for row in results)
    return Reply(200, {"hasErrors": failed, "results": results})


def _one(call: Call, part: dict[str, Any], dispatch: Dispatch) -> Reply:
    url = str(part.get("url") or "").lstrip("/")
    full = f"/{url}" if url.startswith("services/") else f"/services/data/{url}"
    try:
        with call.unit.savepoint():
            sub = {"method": part.get("method"), "url": full, "body": part.get("richInput")}
            return dispatch(composite.subcall(call, sub, {}))
    except ApiError as error:
        return refused(error)


def graph(call: Call, dispatch: Dispatch) -> Reply:
    """Answer `composite/graph`: each graph is carried out whole or not at all."""
    if call.method != "POST":
        raise not_allowed(call.method)
    graphs = call.fields().get("graphs")
    if not isinstance(graphs, list) or not graphs or not all(isinstance(found, dict) for found in graphs):
        raise ApiError("JSON_PARSER_ERROR", "graphs must be a non-empty array", ["graphs"])
    if len(graphs) > _MOST_GRAPHS:
        raise ApiError("LIMIT_EXCEEDED", f"The request has more than {_MOST_GRAPHS} graphs.")
    answers: list[dict[str, Any]] = []
    for found in graphs:
        if sum(not answer["isSuccessful"] for answer in answers) >= _MOST_FAILED:
            break
        answers.append(_graph(call, found, dispatch))
    return Reply(200, {"graphs": answers})


def _graph(call: Call, found: dict[str, Any], dispatch: Dispatch) -> dict[str, Any]:
    replies = composite.run(call, found.get("compositeRequest"), dispatch, most=_MOST_NODES, all_or_none=True)
    return {
        "graphId": found.get("graphId"),
        "graphResponse": {"compositeResponse": composite.shown(replies)},
        "isSuccessful": all(reply.status < _FIRST_REFUSAL for reply in replies.values()),
    }
