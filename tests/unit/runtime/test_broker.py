"""Asking brokers whose leaders move."""

from collections.abc import Callable

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.runtime.broker import AGAIN, TIMEOUT, patiently


class Clock:
    """Time that passes only while someone waits."""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        """Seconds."""
        return self.at

    def wait(self, seconds: float) -> None:
        """Let them pass."""
        self.at += seconds


def failing(code: int, times: int) -> Callable[[], int]:
    """Answers 7 after so many failures."""
    left = [KafkaException(KafkaError(code))] * times

    def ask() -> int:
        if left:
            raise left.pop()
        return 7

    return ask


@pytest.mark.parametrize("code", [KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.NOT_COORDINATOR])
def test_a_leader_that_moves_is_waited_for(code: int) -> None:
    """The answer comes from the next one."""
    clock = Clock()
    assert patiently(failing(code, 3), clock.now, clock.wait) == 7
    assert clock.at == pytest.approx(3 * AGAIN)


def test_a_leader_that_never_comes_is_an_error() -> None:
    """Nobody waits for ever."""
    clock = Clock()
    with pytest.raises(KafkaException):
        patiently(failing(KafkaError.LEADER_NOT_AVAILABLE, 10_000), clock.now, clock.wait)
    assert TIMEOUT <= clock.at < TIMEOUT + 2 * AGAIN


def test_other_errors_are_not_waited_out() -> None:
    """What will not get better is told at once."""
    clock = Clock()
    with pytest.raises(KafkaException):
        patiently(failing(KafkaError.TOPIC_AUTHORIZATION_FAILED, 1), clock.now, clock.wait)
    assert clock.at == 0
