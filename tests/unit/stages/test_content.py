"""What two bodies of a vendor have in common: one content, told by its hash."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import connectors
from streams.stages import content
from streams.stages.mapping import Templates, paths
from streams.stages.mapping.said import ABSENT, said

TEMPLATES = Templates.load(Path(connectors.__file__).parent)
CONTACT = TEMPLATES.named("salesforce/contact")
"""What is not in its body is not known."""
INVOICE = TEMPLATES.named("quickbooks/invoice")
"""What is not in its body is empty."""


@pytest.mark.parametrize(
    ("name", "one", "other", "same"),
    [
        (CONTACT.name, {"Id": "1", "LastName": "Lee"}, {"LastName": "Lee", "Id": "1"}, True),
        (CONTACT.name, {"Id": "1", "SystemModstamp": "a"}, {"Id": "1", "SystemModstamp": "b"}, True),
        (CONTACT.name, {"Id": "1", "Undeclared": "a"}, {"Id": "1"}, True),
        (CONTACT.name, {"Id": "1", "Email": None}, {"Id": "1"}, False),
        (CONTACT.name, {"Id": "1", "Email": "a@b.example"}, {"Id": "1", "Phone": "a@b.example"}, False),
        (INVOICE.name, {"Id": "1", "DueDate": None}, {"Id": "1"}, True),
        (INVOICE.name, {"Id": "1", "SyncToken": "3", "MetaData": {"LastUpdatedTime": "a"}}, {"Id": "1"}, True),
        (INVOICE.name, {"CustomerRef": {"value": "7", "name": "a"}}, {"CustomerRef": {"value": "7"}}, True),
        (INVOICE.name, {"CustomerRef": {"value": "7"}}, {"CustomerRef": {"value": "8"}}, False),
        (INVOICE.name, {"Balance": Decimal("1.5")}, {"Balance": Decimal("1.6")}, False),
        (INVOICE.name, {"DocNumber": Decimal("1.0")}, {"DocNumber": "1.0"}, False),
        (INVOICE.name, {"PrivateNote": "\ud800"}, {"PrivateNote": "\ud801"}, False),
        (INVOICE.name, {"PrivateNote": "\ud800"}, {"PrivateNote": "\ud800"}, True),
    ],
)
def test_content_is_what_a_template_reads(
    name: str, one: Mapping[str, Any], other: Mapping[str, Any], *, same: bool
) -> None:
    """Fields that only the version is read from, or that nobody reads, are none; order does not matter."""
    template = TEMPLATES.named(name)
    assert (content.digest(template, "s", one) == content.digest(template, "s", other)) is same


def test_what_reads_a_body_is_part_of_its_content() -> None:
    """Another text of the template, or other settings, make it another content."""
    hashes = [content.digest(CONTACT, "s", {}), content.digest(CONTACT, "t", {})]
    hashes.append(content.digest(replace(CONTACT, fingerprint="other"), "s", {}))
    assert len(set(hashes)) == len(hashes)


def test_nested_fields() -> None:
    """Of lists and records only what is declared counts; something else in their place is an empty one."""
    tree = paths.declare(["A", "B.C", "L[].D", "M[]"])
    found = said(tree, ABSENT)({"B": {"C": 1, "x": 2}, "L": [{"D": 3, "y": 4}, None], "M": "no list"})
    assert found == [ABSENT, [1], [[3], [None]], []]
