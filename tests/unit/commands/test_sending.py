"""A few records, or very many, are produced to the end."""

from typing import Any

import pytest

from connectors.errors import RetryableError
from streams import sending
from streams.runtime.types import Output
from streams.settings import Kafka

ROOM = 2
OUTPUTS = [Output("inbox.v1", 0, b"acme", b"%d" % n) for n in range(5)]


class Queue:
    """A producer with a small queue, which only a flush empties."""

    def __init__(self, *, answers: bool) -> None:
        self.answers = answers
        self.waiting: list[bytes] = []
        self.sent: list[bytes] = []

    def produce(self, _topic: str, *, value: bytes, **_more: Any) -> None:
        """Take a record, or refuse it as the client does."""
        if len(self.waiting) == ROOM:
            raise BufferError("Local: Queue full")
        self.waiting.append(value)

    def poll(self, _seconds: float) -> int:
        """Nothing was delivered meanwhile."""
        return 0

    def flush(self, _seconds: float) -> int:
        """Deliver what waits; return how much still does."""
        if self.answers:
            self.sent += self.waiting
            self.waiting = []
        return len(self.waiting)


@pytest.mark.parametrize("answers", [True, False])
def test_more_than_the_queue_holds_is_sent_in_order(monkeypatch: pytest.MonkeyPatch, *, answers: bool) -> None:
    """A full queue is waited for; a Kafka that does not answer is an error that says what to do."""
    queue = Queue(answers=answers)
    monkeypatch.setattr(sending, "Producer", lambda _config: queue)
    if answers:
        sending.send(Kafka(), OUTPUTS)
    else:
        with pytest.raises(RetryableError, match="say it again"):
            sending.send(Kafka(), OUTPUTS)
    assert queue.sent == [output.value for output in OUTPUTS] * answers
