"""Reads objects in pages of a size that Shopify allows, with their nested lists to the end."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.errors import RejectedError
from connectors.shopify.client import ShopifyClient
from connectors.shopify.errors import TooDearError
from connectors.shopify.objects import ROWS, Kind, Nested

MOST = 250
"""Rows in a page, and ids of `nodes`."""
SHARE = 0.9
"""Of what a query may cost: the cost is not quite proportional to the page."""
STALE_CURSOR = "invalid cursor"
Node = dict[str, Any]


class StaleCursorError(RejectedError):
    """Shopify does not take the cursor of a page any more: read the window from its begin."""


@dataclass(frozen=True, slots=True)
class Page:
    """Nodes, and where the next page begins; None: there is none."""

    nodes: Sequence[Node]
    after: str | None


class Reader:
    """The reading side of one shop. Page sizes are found out by asking: only Shopify knows what a query costs."""

    def __init__(self, client: ShopifyClient) -> None:
        self._client = client
        self._sizes: dict[str, int] = {}

    async def page(self, kind: Kind, search: str, after: str, location: str = "") -> Page:
        """Return the page behind `after`, `""` for the first, of what the search finds; stock levels at a location.

        Raises:
            StaleCursorError: `after` is not taken.
            ConnectorError: nothing was read.
        """
        variables = {"query": search, "after": after or None}

        async def ask(size: int) -> Node:
            if location:
                data = await self._client.query(
                    f"page {kind.name}", _levels(kind), {**variables, "first": size, "location": location}
                )
                return dict((data.get("location") or {}).get("inventoryLevels") or {"nodes": [], "pageInfo": {}})
            data = await self._client.query(f"page {kind.name}", _pages(kind), {**variables, "first": size})
            return dict(data[kind.connection])

        try:
            found = await self._sized(f"page {kind.name}", kind.page, ask)
        except RejectedError as error:
            if after and STALE_CURSOR in str(error).lower():
                raise StaleCursorError(str(error), code=error.code) from error
            raise
        nodes = [await self.completed(kind, node) for node in found["nodes"]]
        info = found["pageInfo"]
        return Page(nodes, info["endCursor"] if info.get("hasNextPage") else None)

    async def nodes(self, kind: Kind, ids: Sequence[str]) -> list[Node | None]:
        """Return the objects of these global ids, in order; None where there is none."""
        found: list[Node | None] = []
        document = f"query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {kind.name} {{ {kind.selection()} }} }} }}"
        while len(found) < len(ids):
            rest = ids[len(found) :]

            async def ask(size: int, rest: Sequence[str] = rest) -> Node:
                return await self._client.query(f"nodes {kind.name}", document, {"ids": list(rest[:size])})

            data = await self._sized(f"nodes {kind.name}", kind.page, ask)
            found += [await self.completed(kind, node) if node else None for node in data["nodes"]]
        return found

    async def locations(self) -> list[str]:
        """Return the global ids of all locations."""
        document = "query($after: String) { locations(first: 50, after: $after, includeInactive: true) %s }" % (
            ROWS % "id"
        )
        found: list[str] = []
        after: str | None = None
        while True:
            data = await self._client.query("locations", document, {"after": after})
            found += [node["id"] for node in data["locations"]["nodes"]]
            info = data["locations"]["pageInfo"]
            if not info["hasNextPage"]:
                return found
            after = info["endCursor"]

    async def deletions(self, search: str, after: str) -> Page:
        """Return a page of the deletions of products that the search finds, as `{occurredAt, subjectId}`."""
        document = (
            "query($after: String, $query: String) { deletionEvents(first: 100, after: $after, query: $query, "
            f"subjectTypes: [PRODUCT]) {ROWS % 'occurredAt subjectId'} }}"
        )
        data = await self._client.query("deletions", document, {"after": after or None, "query": search})
        found = data["deletionEvents"]
        info = found["pageInfo"]
        return Page(found["nodes"], info["endCursor"] if info["hasNextPage"] else None)

    async def completed(self, kind: Kind, node: Node) -> Node:
        """Return the object with all rows of its nested list, which is `{"nodes": [...]}` and comes last."""
        if kind.nested is None:
            return node
        nested = node.pop(kind.nested.name)
        rows, info = list(nested["nodes"]), nested["pageInfo"]
        while info["hasNextPage"]:
            more = await self._nested(kind, kind.nested, node["id"], info["endCursor"])
            rows += more["nodes"]
            info = more["pageInfo"]
        return {**node, kind.nested.name: {"nodes": rows}}

    async def _nested(self, kind: Kind, nested: Nested, id_: str, after: str) -> Node:
        # By `node`: not every object has a field of the query root that reads one.
        document = (
            "query($id: ID!, $first: Int!, $after: String) { node(id: $id) { "
            f"... on {kind.name} {{ {nested.name}(first: $first, after: $after) {ROWS % nested.fields} }} }} }}"
        )

        async def ask(size: int) -> Node:
            variables = {"id": id_, "first": size, "after": after}
            data = await self._client.query(f"nested {kind.name}", document, variables)
            return dict((data.get("node") or {}).get(nested.name) or {"nodes": [], "pageInfo": {"hasNextPage": False}})

        return await self._sized(f"nested {kind.name}", MOST, ask)

    async def _sized(self, operation: str, first: int, ask: Callable[[int], Awaitable[Node]]) -> Node:
        """Ask with the page size that is known to do; a query that is too dear is asked again, smaller."""
        while True:
            size = self._sizes.get(operation, min(first, MOST))
            try:
                return await ask(size)
            except TooDearError as error:
                smaller = int(size * error.most / error.cost * SHARE) if error.cost else size // 2
                if size == 1:
                    raise
                self._sizes[operation] = max(1, min(smaller, size - 1))


def _pages(kind: Kind) -> str:
    sort = f", {kind.sort}" if kind.sort else ""
    return (
        "query($first: Int!, $after: String, $query: String) { "
        f"{kind.connection}(first: $first, after: $after, query: $query{sort}) {ROWS % kind.selection()} }}"
    )


def _levels(kind: Kind) -> str:
    return (
        "query($first: Int!, $after: String, $query: String, $location: ID!) { location(id: $location) { "
        f"inventoryLevels(first: $first, after: $after, query: $query) {ROWS % kind.selection()} }} }}"
    )


def window(bounds: Mapping[str, str], name: str = "updated_at") -> str:
    """Return a search for what happened within bounds, by comparator, e.g. `{">=": "2026-01-31T12:00:00Z"}`."""
    return " AND ".join(f"{name}:{comparator}'{instant}'" for comparator, instant in bounds.items())
