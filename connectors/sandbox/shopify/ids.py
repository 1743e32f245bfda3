"""Global ids: `gid://shopify/<Type>/<number>` (shopify.dev, "Global IDs in Shopify APIs")."""

import re
from collections.abc import Mapping
from typing import Any

PREFIX = "gid://shopify/"
GID = re.compile(r"gid://shopify/(?P<kind>[A-Za-z]+)/(?P<number>\d+)(?:\?.*)?")
PLAIN = re.compile(r"\d+")


def gid_of(row: Mapping[str, Any]) -> str:
    """The global id of a stored row; a stock level's also names its item."""
    plain = f"{PREFIX}{row['__typename']}/{row['id']}"
    return f"{plain}?inventory_item_id={row['inventory_item_id']}" if row["__typename"] == "InventoryLevel" else plain


def number_of(gid: str, kind: str) -> str | None:
    """The number in a global id of this type, None for another type; Shopify takes a bare number too."""
    found = GID.fullmatch(gid)
    if found is None:
        return gid if PLAIN.fullmatch(gid) else None
    return found["number"] if found["kind"] == kind else None


def parsed(gid: str) -> tuple[str, str] | None:
    """Type and number, None for anything that is not a global id."""
    found = GID.fullmatch(gid)
    return (found["kind"], found["number"]) if found else None
