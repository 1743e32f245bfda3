"""Which custom fields the company's preferences can speak of."""

from typing import cast

import pytest

from connectors.quickbooks.client import QuickBooksClient
from connectors.quickbooks.describe import QuickBooksDescriber


@pytest.mark.parametrize(("name", "described"), [("1", True), ("4", True), ("57820000001", False), ("Project", True)])
def test_what_preferences_would_show(name: str, *, described: bool) -> None:
    """Only the long numbers of paid tiers are taken on trust; a label or a fourth field is told as missing."""
    assert QuickBooksDescriber(cast("QuickBooksClient", None)).describes(name) is described
