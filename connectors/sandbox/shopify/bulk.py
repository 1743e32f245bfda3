"""Bulk operations: a query run over everything beside other work, its answer a file of JSON lines.

Source: shopify.dev, "Perform bulk operations with the GraphQL Admin API"; changelog of 2025-10-29 (`groupObjects`) and
2025-12-15 (five at once).
"""

from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    parse,
    validate,
)

from connectors.sandbox.accounts import derive
from connectors.sandbox.shopify.errors import Problem
from connectors.sandbox.shopify.schema import schema
from connectors.sandbox.shopify.shop import Row, Shop

KIND = "BulkOperation"
UNGROUPED_FROM = "2026-01"
"""From this version on lines are not grouped unless asked for, and five operations may run at once."""
AT_ONCE = 5
MOST_CONNECTIONS, MOST_DEPTH = 5, 2
LIVE = {"CREATED", "RUNNING"}
CONNECTION_KEYS = {"edges", "nodes", "pageInfo"}


def begin(shop: Shop, query: str, *, grouped: bool) -> Row:
    """Store a new operation; the runner takes it up once the request is done. Raises Problem."""
    _checked(query)
    running = [row for row in shop.all(KIND) if row["status"] in LIVE]
    several = shop.version >= UNGROUPED_FROM
    if len(running) >= (AT_ONCE if several else 1):
        text = "A bulk query operation for this app and shop is already in progress"
        code = "LIMIT_REACHED" if several else "OPERATION_IN_PROGRESS"
        raise Problem(f"{text}: {running[-1]['id']}.", code=code)
    row: Row = {
        "status": "CREATED",
        "type": "QUERY",
        "query": query,
        "error_code": None,
        "completed_at": None,
        "object_count": 0,
        "root_object_count": 0,
        "file_size": None,
        "partial_data_url": None,
        "_path": None,
        "_grouped": grouped,
        "_version": shop.version,
    }
    return shop.new(KIND, row)


def cancel(shop: Shop, row: Row) -> Row:
    """End an operation that runs. Raises Problem."""
    if row["status"] not in LIVE:
        raise Problem(f"A bulk operation cannot be canceled when it is {row['status'].lower()}", "id")
    return shop.save({**row, "status": "CANCELED"})


def path_of(account: str, number: int) -> str:
    """Where the result is downloaded; like a signed address it needs no token and cannot be guessed."""
    return f"/bulk-results/{account}/{number}-{derive('shopify', account, f'bulk {number}', 16)}.jsonl"


def lines_of(data: dict[str, Any]) -> list[tuple[Row, list[Row]]]:
    """The objects of one page of the root connection, each with the lines of what is nested in it."""
    [connection] = data.values()
    return [_flattened(node, None) for node in _nodes(connection)]


def _flattened(node: Row, parent: str | None) -> tuple[Row, list[Row]]:
    line: Row = {}
    below: list[Row] = []
    for name, value in node.items():
        if isinstance(value, dict) and value and set(value) <= CONNECTION_KEYS:
            for child in _nodes(value):
                own, deeper = _flattened(child, node.get("id"))
                below += [own, *deeper]
        else:
            line[name] = value
    return ({**line, "__parentId": parent} if parent else line), below


def _nodes(connection: Row) -> list[Row]:
    if "nodes" in connection:
        return list(connection["nodes"])
    return [edge["node"] for edge in connection.get("edges", ())]


def _checked(query: str) -> DocumentNode:
    """Refuse what cannot be run in bulk. Raises Problem."""
    try:
        document = parse(query)
    except GraphQLError as error:
        raise Problem(f"Invalid bulk query: {error.message}", "query", code="INVALID") from None
    if errors := validate(schema(), document):
        raise Problem(f"Invalid bulk query: {errors[0].message}", "query", code="INVALID")
    operations = [node for node in document.definitions if isinstance(node, OperationDefinitionNode)]
    if len(operations) != 1 or operations[0].operation is not OperationType.QUERY:
        raise Problem("Bulk queries must contain a single query operation", "query", code="INVALID")
    roots = operations[0].selection_set.selections
    if len(roots) != 1:
        raise Problem("Bulk queries must contain a single top-level field", "query", code="INVALID")
    depths = _depths(operations[0].selection_set, 0)
    if not depths:
        raise Problem("Bulk queries must contain at least one connection", "query", code="INVALID")
    if len(depths) > MOST_CONNECTIONS:
        raise Problem(f"Bulk queries cannot contain more than {MOST_CONNECTIONS} connections", "query", code="INVALID")
    if max(depths) > MOST_DEPTH:
        text = f"Bulk queries cannot contain connections with a nesting depth greater than {MOST_DEPTH}"
        raise Problem(text, "query", code="INVALID")
    return document


def _depths(selections: SelectionSetNode | None, depth: int) -> list[int]:
    """How deep each connection below lies under others."""
    found: list[int] = []
    for node in selections.selections if selections else ():
        inner = getattr(node, "selection_set", None)
        names = {each.name.value for each in inner.selections if isinstance(each, FieldNode)} if inner else set()
        connected = isinstance(node, FieldNode) and bool(names & {"edges", "nodes"})
        found += [depth] if connected else []
        found += _depths(inner, depth + connected)
    return found
