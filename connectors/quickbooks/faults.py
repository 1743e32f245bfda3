"""Reading what QuickBooks says went wrong, in any of the shapes it is known to use.

The documented envelope is `{"Fault": {"Error": [{…}]}}`; the gateway in front writes the names in lower case, sends XML
even to who asked for JSON, and a Fault may come with status 200.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from connectors.wire import loads

_XML_ERROR = re.compile(r"<Error\b([^>]*)>(.*?)</Error>", re.DOTALL | re.IGNORECASE)
_XML_ATTRIBUTE = re.compile(r'\b(code|element)\s*=\s*"([^"]*)"', re.IGNORECASE)
_XML_TEXT = re.compile(r"<(Message|Detail)\b[^>]*>(.*?)</\1>", re.DOTALL | re.IGNORECASE)
_CODE_IN_TEXT = re.compile(r"errorCode=(\d+)")


@dataclass(frozen=True, slots=True)
class Fault:
    """The first error of a fault; `code` has no leading zeros, absent parts are empty."""

    code: str = ""
    message: str = ""
    detail: str = ""
    element: str = ""


def fault_in(response: httpx.Response) -> Fault | None:
    """Return the fault an answer carries, None if it has none that can be read."""
    body = response.content.lstrip()
    if body.startswith(b"<"):
        return _from_xml(body.decode("utf-8", "replace"))
    try:
        answer = loads(body)
    except ValueError:
        return None
    return fault_of(answer)


def fault_of(answer: Any) -> Fault | None:
    """Return the fault in a parsed answer, None if it has none."""
    fault = _get(answer, "fault")
    errors = _get(fault, "error")
    if not isinstance(errors, list) or not errors or not isinstance(errors[0], Mapping):
        return Fault() if isinstance(fault, Mapping) and fault else None
    return _fault({name.lower(): str(value or "") for name, value in errors[0].items()})


def _get(value: Any, name: str) -> Any:
    if not isinstance(value, Mapping):
        return None
    return next((inner for key, inner in value.items() if key.lower() == name), None)


def _from_xml(text: str) -> Fault | None:
    error = _XML_ERROR.search(text)
    if error is None:
        return None
    parts = [*_XML_ATTRIBUTE.findall(error[1]), *_XML_TEXT.findall(error[2])]
    return _fault({name.lower(): value for name, value in parts})


def _fault(parts: Mapping[str, str]) -> Fault:
    message = parts.get("message", "")
    named = _CODE_IN_TEXT.search(message)
    code = parts.get("code", "") or (named[1] if named else "")
    return Fault(code.lstrip("0"), message, parts.get("detail", ""), parts.get("element", ""))
