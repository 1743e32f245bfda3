"""The option for more shuffles: `pytest tests/replay --replay-shuffles=10`."""

import pytest

FEW = 4


def pytest_addoption(parser: pytest.Parser) -> None:
    """Register the option; pytest knows it when this folder is named."""
    parser.addoption("--replay-shuffles", type=int, default=FEW, help="orders in which recorded events are replayed")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Replay in every order but the recorded one, with which all others are compared."""
    if "shuffle" in metafunc.fixturenames:
        count = int(metafunc.config.getoption("--replay-shuffles", default=FEW))
        metafunc.parametrize("shuffle", range(1, count))
