"""The body of a request: its raw bytes, bounded in size, time and depth."""

import asyncio
import re

from starlette.requests import ClientDisconnect, Request

from streams.gateway.answers import Answer

MAX_BYTES = 2 * 1024 * 1024
BODY_SECONDS = 10.0
MAX_DEPTH = 64
"""Of arrays and objects within each other; vendors' bodies have less than ten."""
STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
BRACKETS = re.compile(rb"[\[{}\]]")


async def raw(request: Request) -> bytes:
    """Return the raw bytes.

    Raises:
        Answer: too large, too slow, compressed or cut off.
    """
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Answer("malformed", 415, "send the body uncompressed")
    too_large = Answer("too_large", 413, f"the body is larger than {MAX_BYTES} bytes")
    if int(request.headers.get("content-length", "0")) > MAX_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for part in request.stream():
                body += part
                if len(body) > MAX_BYTES:
                    raise too_large
    except TimeoutError:
        raise Answer("slow", 408, f"the body took longer than {BODY_SECONDS:g} s") from None
    except ClientDisconnect:
        raise Answer("disconnected", 400, "the body is not complete") from None
    return bytes(body)


def refuse_deep(body: bytes) -> None:
    """Refuse JSON that no parser should be given.

    Raises:
        Answer: more than `MAX_DEPTH` arrays and objects within each other.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for bracket in BRACKETS.finditer(STRINGS.sub(b"", body)):
        depth += 1 if bracket.group() in b"[{" else -1
        if depth > MAX_DEPTH:
            raise Answer("malformed", 400, f"the body has more than {MAX_DEPTH} arrays and objects within each other")
