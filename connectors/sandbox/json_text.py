"""JSON with exact decimals: what was `100.00` on the way in is `100.00` on the way out."""

import json
from decimal import Decimal
from json.encoder import encode_basestring_ascii
from typing import Any

from starlette.responses import Response


def loads(text: str | bytes) -> Any:
    """Parse JSON; numbers with a point become Decimal. Raises ValueError."""
    return json.loads(text, parse_float=Decimal)


def dumps(value: Any) -> str:
    """Write JSON; Decimals keep their digits, everything else follows the json module."""
    try:
        return json.dumps(value, separators=(",", ":"))  # no Decimal in it: ten times as fast
    except TypeError:
        pass
    parts: list[str] = []
    _write(value, parts)
    return "".join(parts)


def _write(value: Any, parts: list[str]) -> None:
    match value:
        case str():
            parts.append(encode_basestring_ascii(value))
        case Decimal():
            parts.append(format(value, "f"))
        case dict():
            parts.append("{")
            for index, (key, item) in enumerate(value.items()):
                parts.append(f"{',' if index else ''}{encode_basestring_ascii(str(key))}:")
                _write(item, parts)
            parts.append("}")
        case list() | tuple():
            parts.append("[")
            for index, item in enumerate(value):
                if index:
                    parts.append(",")
                _write(item, parts)
            parts.append("]")
        case _:
            parts.append(json.dumps(value))


class Json(Response):
    """A JSON answer; use it instead of Starlette's, which refuses Decimals."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Turn the answer into bytes."""
        return dumps(content).encode()
