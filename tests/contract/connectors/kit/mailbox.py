"""Takes webhooks in, so that a test can pass them on as it likes."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

from tests.receiving import receiving


@dataclass(frozen=True, slots=True)
class Letter:
    """One request: header names in lower case, the raw body."""

    headers: Mapping[str, str]
    body: bytes


@dataclass
class Mailbox:
    """An HTTP server on a free port that answers 200 to everything and keeps it."""

    letters: list[Letter] = field(default_factory=list)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def open(self) -> str:
        """Begin to listen and return the address."""
        return f"{await self._open.enter_async_context(receiving(self._serve))}/"

    async def aclose(self) -> None:
        """Stop listening."""
        await self._open.aclose()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        lines = [line.partition(":") for line in head[1:] if line]
        headers = {name.strip().lower(): value.strip() for name, _, value in lines}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.letters.append(Letter(headers, body))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()
