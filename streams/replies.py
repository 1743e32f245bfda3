"""Who waits for an answer: a header that a request's records carry from stage to stage, and the answers to it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

REQUEST_HEADER = "x-request"
State = Literal["pending", "done", "in_review", "failed", "conflict"]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: the caller's key, and the digest of its body."""

    key: str
    digest: str

    def __str__(self) -> str:
        return f"{self.digest}:{self.key}"

    @property
    def header(self) -> tuple[str, bytes]:
        """What the records carry."""
        return REQUEST_HEADER, str(self).encode()


def asked_in(headers: Iterable[tuple[str, bytes]]) -> list[Asked]:
    """Return the requests that a record answers, each once; a command in the place of others answers theirs too."""
    texts = dict.fromkeys(value.decode(errors="replace") for name, value in headers if name == REQUEST_HEADER)
    return [Asked(key, digest) for digest, _, key in (text.partition(":") for text in texts)]
