"""One port that answers both HTTP and HTTPS: the first byte tells which (RFC 8446 §5.1: a handshake record is 22)."""

import asyncio
import contextlib
import logging
import socket
import ssl
import struct

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

TLS_HANDSHAKE = b"\x16"
KEEP_ALIVE_SECONDS = 65
GRACE_SECONDS = 1.0
log = logging.getLogger(__name__)


class PortTakenError(OSError):
    """Another program listens on the port."""


class Connection:
    """A request's TCP connection, found in `scope["state"]["connection"]`."""

    def __init__(self) -> None:
        self.protocol: H11Protocol | None = None

    def reset(self) -> None:
        """End the connection with RST, without an answer."""
        if self.protocol is None:
            raise RuntimeError("not connected yet")
        transport = self.protocol.transport
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()


class Listener:
    """Serves one ASGI app through uvicorn's HTTP protocol. `port` is the bound port."""

    def __init__(self, address: socket.socket, tls: ssl.SSLContext) -> None:
        self._socket = address
        self._tls = tls
        self._state = ServerState()
        self._arriving: set[asyncio.Task[None]] = set()
        self._accepting: asyncio.Task[None] | None = None
        self.port: int = address.getsockname()[1]

    def start(self, app: ASGIApp) -> None:
        """Begin to accept."""
        self._config = Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._accepting = asyncio.create_task(self._accept())

    async def aclose(self) -> None:
        """Stop accepting, give running requests a moment, close every connection."""
        if self._accepting is not None:
            self._accepting.cancel()
            await asyncio.gather(self._accepting, return_exceptions=True)
        self._socket.close()
        for task in list(self._arriving):
            task.cancel()
        await asyncio.gather(*self._arriving, return_exceptions=True)
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=GRACE_SECONDS)
        for task in list(self._state.tasks):
            task.cancel()
        await asyncio.gather(*self._state.tasks, return_exceptions=True)
        for connection in list(self._state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # lets the aborted transports close their sockets

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                client, _ = await loop.sock_accept(self._socket)
            except OSError as error:  # out of file descriptors, or the client is gone already
                log.warning("accept failed: %s", error)
                await asyncio.sleep(0.1)
                continue
            task = asyncio.create_task(self._serve(client))
            self._arriving.add(task)
            task.add_done_callback(self._arriving.discard)

    async def _serve(self, client: socket.socket) -> None:
        handed_over = False
        try:
            first = await _peek(client)
            if first:
                handed_over = True
                loop = asyncio.get_running_loop()
                tls = self._tls if first == TLS_HANDSHAKE else None
                await loop.connect_accepted_socket(self._protocol, client, ssl=tls)
        except OSError as error:  # ssl.SSLError included: the client did not like our certificate
            log.debug("connection refused: %r", error)
        finally:
            if not handed_over:
                client.close()

    def _protocol(self) -> H11Protocol:
        connection = Connection()
        connection.protocol = H11Protocol(
            config=self._config, server_state=self._state, app_state={"connection": connection}
        )
        return connection.protocol


def bind(host: str, port: int, what: str) -> socket.socket:
    """Take an address, 0 for any free port. Raises PortTakenError, naming the port and what needs it."""
    address = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Head and body are written apart; without this every answer waits 40 ms for the client's acknowledgement.
    address.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        address.bind((host, port))
        address.listen(1024)
    except OSError as error:
        address.close()
        raise PortTakenError(
            error.errno, f"port {port} on {host}, meant for {what}, cannot be used: {error.strerror}; choose another"
        ) from error
    address.setblocking(False)
    return address


async def _peek(client: socket.socket) -> bytes:
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()

    def wake() -> None:
        if not readable.done():
            readable.set_result(None)

    loop.add_reader(client.fileno(), wake)
    try:
        await readable
    finally:
        loop.remove_reader(client.fileno())
    with contextlib.suppress(BlockingIOError):
        return client.recv(1, socket.MSG_PEEK)
    return b""
