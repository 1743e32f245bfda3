"""One rule for what another release, or nobody, wrote as a cursor."""

from collections.abc import Callable
from typing import Any

import pytest

from connectors.errors import FatalError
from connectors.pardot import checkpoint as pardot
from connectors.quickbooks import cursor as quickbooks
from connectors.salesforce import cursor as salesforce
from connectors.shopify import cursor as shopify
from connectors.stripe import cursor as stripe
from connectors.woocommerce import cursor as woocommerce

Decode = Callable[[str | None, str], Any]
DECODERS: dict[str, tuple[Decode, int]] = {
    vendor.__name__: (vendor.decode, vendor.FORMAT)
    for vendor in (pardot, quickbooks, salesforce, shopify, stripe, woocommerce)
}
BROKEN = {
    "pardot": '"day": "", "calls": 0, "objects": 3',
    "quickbooks": '"entities": 1',
    "salesforce": '"objects": {"X": {"since": "x"}}',
    "shopify": '"objects": {"Order": {}}',
    "stripe": '"anchor": null, "seen": 3',
    "woocommerce": '"sweeps": {}, "rounds": {"order": {"known": "AAAA"}}',
}


@pytest.fixture(params=list(DECODERS.values()), ids=list(DECODERS))
def vendor(request: pytest.FixtureRequest) -> tuple[Decode, int]:
    """Each vendor's reading of cursors, and its format."""
    found: tuple[Decode, int] = request.param
    return found


def test_a_later_releases_cursor_stops_the_source(vendor: tuple[Decode, int]) -> None:
    """It is neither read by guess nor taken for none; the message names the connection and what to start."""
    decode, own = vendor
    with pytest.raises(FatalError, match=rf"^tenant acme, x: a later release .*\(format {own + 1}.*start that release"):
        decode(f'{{"format": {own + 1}, "objects": {{}}}}', "tenant acme, x")


@pytest.mark.parametrize("cursor", ["", "nonsense", "[]", "{}", '{"format": 0}', '{"format": "2"}', '{"format": null}'])
def test_what_is_no_cursor_stops_the_source(vendor: tuple[Decode, int], cursor: str) -> None:
    """Reading everything again instead would be a surprise."""
    with pytest.raises(FatalError, match=r"^tenant acme, x: the stored cursor is unreadable"):
        vendor[0](cursor, "tenant acme, x")


def test_a_cursor_with_a_part_that_makes_no_sense_stops_the_source(vendor: tuple[Decode, int]) -> None:
    """Nothing is left out silently."""
    decode, own = vendor
    [broken] = [part for name, part in BROKEN.items() if f".{name}." in decode.__module__]
    with pytest.raises(FatalError, match=r"^tenant acme, x: the stored cursor is unreadable"):
        decode(f'{{"format": {own}, {broken}}}', "tenant acme, x")
