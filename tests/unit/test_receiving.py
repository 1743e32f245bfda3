"""The tests' own server leaves nothing behind."""

import asyncio

from tests.receiving import receiving


async def test_who_never_finishes_is_cut_off() -> None:
    """Else the collector finds the socket later, in another test."""

    async def serve(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")

    async with receiving(serve) as url:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        writer.write(b"GET")
        await asyncio.sleep(0)
    assert await reader.read() == b""
    writer.close()
