"""Reads everything of one object by a bulk operation: begun, waited for, read in parts (shopify.dev)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import RejectedError, RetryableError
from connectors.ports import Clock
from connectors.shopify.client import ShopifyClient, payload
from connectors.shopify.objects import Kind
from connectors.wire import loads

BEGIN = (
    "mutation($query: String!) { bulkOperationRunQuery(query: $query, groupObjects: true) "
    "{ bulkOperation { id } userErrors { field message } } }"
)
STATE = "query($id: ID!) { node(id: $id) { ... on BulkOperation { status errorCode objectCount url } } }"
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
PART = 1024 * 1024
"""Bytes asked for at once."""
RUNNING = ("CREATED", "RUNNING", "CANCELING")
Node = dict[str, Any]


class LostBulkError(RejectedError):
    """The operation is gone, was cancelled or failed: begin another one, or read pages."""


@dataclass(frozen=True, slots=True)
class Part:
    """Whole objects of the result, and the byte after the last of them; `last`: there are no more."""

    nodes: Sequence[Node]
    offset: int
    last: bool


class BulkReader:
    """The bulk operations of one shop."""

    def __init__(self, client: ShopifyClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    async def begin(self, kind: Kind, search: str) -> str:
        """Begin to read what the search finds, `""` for everything, and return the operation's global id.

        Raises:
            RetryableError: others run already.
            ConnectorError: it was not begun, or perhaps was: one more does no harm.
        """
        found = f'(query: "{search}")' if search else ""
        query = f"{{ {kind.connection}{found} {{ edges {{ node {{ {kind.selection(bulk=True)} }} }} }} }}"
        data = await self._client.mutate("begin bulk", BEGIN, {"query": query})
        return str(payload(data, "bulkOperationRunQuery", RetryableError)["bulkOperation"]["id"])

    async def finished(self, id_: str) -> str | None:
        """Wait until the operation is done and return where its result lies, None where it found nothing.

        Raises:
            LostBulkError: it will not be done.
            ConnectorError: see `ShopifyClient`.
        """
        wait = FIRST_WAIT
        while True:
            data = await self._client.query("bulk state", STATE, {"id": id_})
            state = data.get("node")
            if not state:
                raise LostBulkError(f"Shopify: there is no bulk operation {id_}")
            if state["status"] == "COMPLETED":
                return str(state["url"]) if state["url"] else None
            if state["status"] not in RUNNING:
                code = str(state["errorCode"] or "")
                raise LostBulkError(
                    f"Shopify: the bulk operation ended as {state['status']} {code}".rstrip(), code=code
                )
            await self._clock.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)

    async def part(self, kind: Kind, url: str, offset: int) -> Part:
        """Return the whole objects of the next part; an object is whole where the next one begins."""
        size = PART
        while True:
            content = await self._client.part(url, offset, size)
            last = len(content) < size
            lines = content.split(b"\n")
            # What follows the last line end is a line cut in two, or nothing.
            whole = lines if last else lines[:-1]
            nodes, taken = _objects(kind, [loads(line) for line in whole if line], whole, last=last)
            if last or nodes:
                return Part(nodes, offset + taken, last)
            size *= 2  # one object is longer than a part


def _objects(kind: Kind, parsed: Sequence[Node], lines: Sequence[bytes], *, last: bool) -> tuple[list[Node], int]:
    """Put nested rows to their objects, and return the objects with the bytes they take.

    The last object of a part may go on in the next one, and is left to it.
    """
    nodes: list[Node] = []
    ends: list[int] = []
    at = 0
    for node, line in zip(parsed, (line for line in lines if line), strict=True):
        at += len(line) + 1
        if "__parentId" not in node:
            nodes.append({**node, kind.nested.name: {"nodes": []}} if kind.nested else node)
            ends.append(at)
        elif kind.nested is not None and nodes:
            nodes[-1][kind.nested.name]["nodes"].append({k: v for k, v in node.items() if k != "__parentId"})
            ends[-1] = at
    if last:
        return nodes, at
    return nodes[:-1], ends[-2] if len(ends) > 1 else 0
