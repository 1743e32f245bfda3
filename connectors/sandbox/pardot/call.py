"""One call as it arrives: JSON, or a form with a part `input` (JSON) and a part `file`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any

from starlette.requests import Request

from connectors.sandbox.json_text import loads
from connectors.sandbox.pardot.errors import BAD_CONTENT_TYPE, BAD_JSON, FILE_SIZE, MANY_FILES, NO_BODY, PardotError

_LARGEST_FILE = 50_000_000


@dataclass(frozen=True, slots=True)
class Call:
    """A call.

    Attributes:
        method: HTTP method.
        steps: Path after its family, e.g. `("prospects", "12")`.
        params: Query parameters.
        body: The JSON object, empty without one.
        address: Scheme and host that the caller reached.
        headers: Names in lower case.
        file: What came along as a file, and its name.
    """

    method: str
    steps: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    body: dict[str, Any] = field(default_factory=dict)
    address: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    file: bytes | None = None
    file_name: str = ""


async def read_call(request: Request) -> Call:
    """Read a call; raises BAD_CONTENT_TYPE, BAD_JSON, NO_BODY, FILE_SIZE or MANY_FILES."""
    body = await request.body()
    kind = request.headers.get("content-type", "")
    parsed: dict[str, Any] = {}
    file, file_name = None, ""
    if request.method in {"POST", "PATCH"}:
        if kind.startswith("multipart/form-data"):
            parsed, file, file_name = _form(kind, body)
        elif body:
            parsed = _json(kind, body)
        elif request.method == "PATCH":
            raise PardotError(NO_BODY, "Request body can't be empty")
    return Call(
        method=request.method,
        steps=tuple(step for step in request.path_params.get("path", "").split("/") if step),
        params=dict(request.query_params),
        body=parsed,
        address=f"{request.url.scheme}://{request.url.netloc}",
        headers=dict(request.headers),
        file=file,
        file_name=file_name,
    )


def _json(kind: str, body: bytes | str) -> dict[str, Any]:
    if "json" not in kind:
        raise PardotError(BAD_CONTENT_TYPE, "Unsupported content-type: it must be application/json")
    try:
        parsed = loads(body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise PardotError(BAD_JSON, "Input needs to be valid JSON: an object")
    return parsed


def _form(kind: str, body: bytes) -> tuple[dict[str, Any], bytes | None, str]:
    """The parts of a form: `input`, and one file whatever its name."""
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + body)
    given: dict[str, Any] = {}
    files: list[tuple[bytes, str]] = []
    for part in message.iter_parts():
        content = part.get_payload(decode=True)
        content = content if isinstance(content, bytes) else b""
        name = str(part.get_param("name", header="content-disposition"))
        if name in {"input", "importInput"}:
            given = _json("application/json", content)
        else:
            files.append((content, part.get_filename() or name))
    if len(files) > 1:
        raise PardotError(MANY_FILES, "Too many files were specified or uploaded")
    for content, _ in files:
        if not 0 < len(content) <= _LARGEST_FILE:
            raise PardotError(FILE_SIZE, "File size exceeds the max post size or the body message can't be empty")
    return given, *(files[0] if files else (None, ""))
