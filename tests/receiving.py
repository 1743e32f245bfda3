"""A server for what is sent to a test: webhooks, tokens, whatever comes in over TCP."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def receiving(serve: Serve) -> AsyncIterator[str]:
    """Listen on a free port while the block runs, and yield the address without a path.

    What is still open at its end is cut off: a socket left to the garbage collector fails whatever test runs then.
    """
    open_: set[asyncio.StreamWriter] = set()

    async def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_.add(writer)
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await serve(reader, writer)

    server = await asyncio.start_server(taken, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in open_:
            writer.transport.abort()
        await asyncio.sleep(0)  # lets the transports close their sockets
