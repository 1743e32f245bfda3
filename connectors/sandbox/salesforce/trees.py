"""`composite/tree/X`: records with their children in one request, all or none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from connectors.sandbox.salesforce import records
from connectors.sandbox.salesforce.calls import Call, Reply, not_allowed
from connectors.sandbox.salesforce.errors import ApiError
from connectors.sandbox.salesforce.objects import SObject
from connectors.sandbox.salesforce.org import Unit

# "sObject Tree": records, depth and different objects of one request.
_MOST_RECORDS, _MOST_LEVELS, _MOST_TYPES = 200, 5, 5


@dataclass(frozen=True, slots=True)
class _Node:
    base: SObject
    reference: str
    body: Mapping[str, Any]
    children: tuple["_Node", ...]
    field: str
    level: int


def serve(call: Call, name: str) -> Reply:
    """Answer one request: 201 with an id for each reference, or 400 with what is wrong and nothing made."""
    if call.method != "POST":
        raise not_allowed(call.method)
    base = call.unit.org.schema.addressed(name)
    roots = [_parsed(call.unit, base, row, "", 1) for row in _rows(call.fields())]
    nodes = [node for root in roots for node in _walk(root)]
    _check_size(nodes)
    results: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for root in roots:
        _create(call.unit, root, None, results, failed)
    if failed:
        return Reply(400, {"hasErrors": True, "results": failed})
    return Reply(201, {"hasErrors": False, "results": results})


def _rows(holder: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    rows = holder.get("records")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ApiError("JSON_PARSER_ERROR", "records must be an array of objects", ["records"])
    return rows


def _parsed(unit: Unit, base: SObject, row: Mapping[str, Any], field: str, level: int) -> _Node:
    attributes = row.get("attributes") or {}
    reference = attributes.get("referenceId")
    if not isinstance(reference, str) or str(attributes.get("type", "")).lower() != base.name.lower():
        message = f"attributes must have a referenceId and the type {base.name}"
        raise ApiError("INVALID_INPUT", message, ["attributes"])
    body: dict[str, Any] = {}
    children: list[_Node] = []
    for name, value in row.items():
        child = base.children.get(name.lower())
        if child is None or not isinstance(value, dict):
            body[name] = value
            continue
        inner = unit.org.schema.addressed(child.child)
        children += [_parsed(unit, inner, found, child.field, level + 1) for found in _rows(value)]
    return _Node(base, reference, body, tuple(children), field, level)


def _walk(node: _Node) -> Iterator[_Node]:
    yield node
    for child in node.children:
        yield from _walk(child)


def _check_size(nodes: list[_Node]) -> None:
    references = [node.reference for node in nodes]
    wrong = {
        f"more than {_MOST_RECORDS} records": len(nodes) > _MOST_RECORDS,
        f"more than {_MOST_LEVELS} levels": any(node.level > _MOST_LEVELS for node in nodes),
        f"more than {_MOST_TYPES} types": len({node.base.name for node in nodes}) > _MOST_TYPES,
        "a referenceId twice": len({*references}) < len(references),
    }
    for what, found in wrong.items():
        if found:
            raise ApiError("INVALID_INPUT", f"The request has {what}")


def _create(
    unit: Unit, node: _Node, parent: str | None, results: list[dict[str, Any]], failed: list[dict[str, Any]]
) -> None:
    body = {**node.body, **({node.field: parent} if parent else {})}
    try:
        record_id = records.create(unit, node.base, body)
    except ApiError as error:
        failed.append({"referenceId": node.reference, "errors": [error.row()]})
        return
    results.append({"referenceId": node.reference, "id": record_id})
    for child in node.children:
        _create(unit, child, record_id, results, failed)
