"""Twelve thousand recorded events of all vendors: the same bytes each time, the same facts in any order."""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.recording.file import read
from tests.replay.facts import differences

MACHINES = (
    {"PYTHONHASHSEED": "1", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "2", "TZ": "Asia/Kathmandu", "LC_ALL": "C.UTF-8", "PYTHONOPTIMIZE": "1"},
)
"""Two that agree in nothing that should not matter."""
ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.timeout(1800)  # two processes of most of a minute each, for every order


@cache
def replays(shuffle: int) -> list[dict[str, Any]]:
    """Replay in one order, on two machines side by side."""
    command = [sys.executable, "-m", "tests.replay.run", str(shuffle)]
    running = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, **machine}, stdout=subprocess.PIPE, text=True)
        for machine in MACHINES
    ]
    answers = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0, 0]
    return [json.loads(answer) for answer in answers]


def test_there_are_ten_thousand_events_of_all_vendors() -> None:
    """What is replayed is not little."""
    told = list(read())
    assert len(told) > 10_000
    assert len({vendor for vendor, _ in told}) == 6


@pytest.mark.parametrize("vendor", ["salesforce", "pardot", "quickbooks", "shopify", "woocommerce", "stripe"])
def test_every_vendor_deletes(vendor: str) -> None:
    """Persons, products, orders and documents, some of them for good."""
    assert replays(0)[0]["kinds"][f"{vendor} deleted"] > 10


@pytest.mark.parametrize(
    "kind",
    [
        *("salesforce merged_into", "quickbooks merged_into", "pardot undeleted", "shopify hint"),
        *("Request", "Tick", "Decision accept", "Decision reject", "Decision split"),
    ],
)
def test_merges_undeletions_decisions_requests_and_days_are_among_them(kind: str) -> None:
    """The way of a record is not all that happens."""
    assert replays(0)[0]["kinds"][kind] > 5


def test_the_machines_differ() -> None:
    """Else their agreement would say nothing."""
    assert len({replay["zone"] for replay in replays(0)}) == 2


def test_nothing_is_dead_lettered() -> None:
    """Sandboxes send nothing that cannot be read."""
    assert replays(0)[0]["failed"] == {}


def test_the_recorded_order_gives_the_same_bytes_on_two_machines() -> None:
    """Every output with its headers, and every row of the state."""
    one, other = replays(0)
    assert one == {**other, "zone": one["zone"]}


def test_another_order_gives_the_same_bytes_on_two_machines(shuffle: int) -> None:
    """Whichever it is."""
    one, other = replays(shuffle)
    assert one == {**other, "zone": one["zone"]}


def test_every_reference_leads_where_it_should(shuffle: int) -> None:
    """To a record that lives, or was merged into one, or to what is gone for good; whatever the order."""
    assert replays(0)[0]["astray"] == replays(shuffle)[0]["astray"] == []


def test_another_order_gives_the_same_facts(shuffle: int) -> None:
    """The same parties and documents, with the same values in their fields, up to the choice of ids.

    That holds where exact keys decide who is who: no two of the recorded buyers have names that are alike.
    """
    expected, found = replays(0)[0]["facts"], replays(shuffle)[0]["facts"]
    assert len(expected) > 4_000
    assert differences(expected, found) == []
