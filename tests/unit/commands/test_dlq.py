"""Dead letters are sent again as they were."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from click.testing import CliRunner, Result

from streams.cli import main
from streams.commands import dlq
from streams.runtime.types import Output

WHY = [("__connect.errors.topic", b"inbox.v1"), ("__connect.errors.partition", b"2"), ("x-stage", b"transform")]


class Letter:
    """A message of `dlq.v1/2`, as the client gives it."""

    def __init__(self, offset: int, value: bytes | None, headers: list[tuple[str, bytes]]) -> None:
        self.offset = lambda: offset
        self.value = lambda: value
        self.headers = lambda: headers
        self.topic, self.partition, self.key = (lambda: "dlq.v1"), (lambda: 2), (lambda: b"acme")


LETTERS = [
    Letter(0, b"one", [("x-tenant", b"acme"), *WHY]),
    Letter(1, None, [*WHY, ("n", b"\xff")]),
    Letter(2, b"", []),
]


def replay(monkeypatch: pytest.MonkeyPatch, *places: str) -> tuple[Result, list[Output]]:
    """Run `dlq replay` on them; return what came of it, and what was sent."""
    sent: list[Output] = []

    def read(_kafka: Any, _topic: str, _partition: int, offset: int) -> Iterator[Letter]:
        return iter(LETTERS[offset:])

    def send(_kafka: Any, outputs: Iterable[Output]) -> None:
        sent.extend(outputs)

    monkeypatch.setattr(dlq, "messages", read)
    monkeypatch.setattr(dlq, "partitions", lambda _kafka, _topic: iter([0, 1, 2]))
    monkeypatch.setattr(dlq, "send", send)
    return CliRunner().invoke(main, ["dlq", "replay", *places]), sent


def test_what_is_replayed_goes_where_it_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order given, with key, bytes and own headers; a tombstone stays one."""
    result, sent = replay(monkeypatch, "dlq.v1/2/1", "dlq.v1/2/0")
    assert sent == [
        Output("inbox.v1", 2, b"acme", None, [("n", b"\xff")]),
        Output("inbox.v1", 2, b"acme", b"one", [("x-tenant", b"acme")]),
    ]
    assert result.output.splitlines() == ["dlq.v1/2/1  sent to inbox.v1/2", "dlq.v1/2/0  sent to inbox.v1/2"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("dlq.v1/2/3", "there is no dead letter at dlq.v1/2/3"),
        ("dlq.v1/9/0", "dlq.v1 has no partition 9"),
        ("inbox.v1/2/0", "inbox.v1/2/0 is no place of a dead letter"),
        ("dlq.v1/2/2", "dlq.v1/2/2 does not say where it was consumed from"),
    ],
)
def test_nothing_is_sent_when_one_of_them_cannot_be(monkeypatch: pytest.MonkeyPatch, wrong: str, said: str) -> None:
    """There is none at that place, or it does not say where from; one line names it."""
    result, sent = replay(monkeypatch, "dlq.v1/2/0", wrong)
    assert (result.exit_code, sent) == (2, [])
    assert said in result.stderr
