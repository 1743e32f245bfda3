"""The tests' own server leaves nothing behind."""

import asyncio

from tests.receiving import receiving


async def test_who_never_finishes_is_cut_off() -> None:
    """Else the collector finds the socket later, in another test."""
    begun: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.put_nowait(writer)
        await reader.readuntil(b"\r\n\r\n")

    async with receiving(serve) as url:
        _, mine = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
        theirs = await begun.get()
    assert theirs.transport.is_closing()
    assert theirs.get_extra_info("socket").fileno() == -1
    mine.close()
