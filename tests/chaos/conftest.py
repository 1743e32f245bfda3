"""Fixtures of the fault tests: an application with its own topics, one random generator a round."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.harness import Harness


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test of a relay once per round."""
    if "dice" in metafunc.fixturenames:
        first, count = metafunc.config.getoption("--chaos-seed"), metafunc.config.getoption("--chaos-rounds")
        seeds = range(first, first + count)
        metafunc.parametrize("dice", [random.Random(seed) for seed in seeds], ids=[f"seed {seed}" for seed in seeds])  # noqa: S311  reproducible, not secret


@pytest.fixture
def relay(kafka: Any, topic_name: Callable[[str], str], tmp_path: Path, dice: random.Random) -> Iterator[Harness]:
    """An application without workers; whatever the test started is ended."""
    harness = Harness(kafka.bootstrap_servers, topic_name("relay"), tmp_path, dice)
    yield harness
    harness.close()
