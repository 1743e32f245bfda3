"""Recorded events as a file: a line of JSON each, packed."""

import json
import lzma
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from connectors.ports import Raw
from tests.recording.story import Told

EVENTS = Path(__file__).parent / "events.jsonl.xz"


def write(path: Path, told: Sequence[Told]) -> None:
    """Keep events."""
    lines = (json.dumps({**asdict(raw), "vendor": vendor, "body": raw.body.decode()}) for vendor, raw in told)
    path.write_bytes(lzma.compress("\n".join(lines).encode(), preset=9))


def read(path: Path = EVENTS) -> Iterator[Told]:
    """Yield kept events."""
    for line in lzma.decompress(path.read_bytes()).splitlines():
        fields = json.loads(line)
        vendor, body = fields.pop("vendor"), fields.pop("body").encode()
        yield vendor, Raw(**fields, body=body)
