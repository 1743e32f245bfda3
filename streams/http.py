"""What every role answers over HTTP: alive, ready and why not, metrics; and how a server lives inside a role."""

import asyncio
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from connectors.errors import FatalError

Problems = Callable[[], Sequence[str]]

DRAIN_SECONDS = 5
UNAVAILABLE = 503


class Server(uvicorn.Server):
    """uvicorn inside a role's event loop; the role keeps its signal handlers."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.listening.set()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the role."""
        yield


class HttpServer:
    """One listening application.

    Args:
        app: what answers.
        host: to bind to.
        port: 0 takes a free one; `port` tells which once started.
        setting: names the setting that moves the port, for the message when it is taken.
    """

    def __init__(self, app: ASGIApp, host: str, port: int, setting: str) -> None:
        self._host = host
        self._wanted = port
        self._setting = setting
        self._server = Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                server_header=False,
                proxy_headers=False,  # who sent a request is `streams.gateway.origin`'s to tell
                timeout_graceful_shutdown=DRAIN_SECONDS,
                h11_max_incomplete_event_size=64 * 1024,
            )
        )
        self._serving: asyncio.Task[None] | None = None
        self.port = port

    async def start(self) -> None:
        """Listen; returns once connections are accepted.

        Raises:
            FatalError: the port is taken, or may not be used; names the setting that moves it.
        """
        listener = self._bind()
        self.port = int(listener.getsockname()[1])
        self._serving = asyncio.create_task(self._server.serve([listener]))
        await self._server.listening.wait()

    async def stop(self) -> None:
        """Take no more requests, answer those that are under way, end."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    def _bind(self) -> socket.socket:
        listener = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self._host, self._wanted))
        except OSError as error:
            listener.close()
            raise FatalError(
                f"cannot listen on {self._host}:{self._wanted} ({(error.strerror or str(error)).lower()}); "
                f"stop what uses that port, or move this one with {self._setting}"
            ) from error
        return listener


class Probes:
    """`/livez`, `/readyz` and `/metrics` of a role.

    Args:
        host: to bind to.
        port: 0 takes a free one.
        setting: that moves the port.
        problems: why the role is not ready, in sentences; nothing: it is. Asked at each `/readyz`.
    """

    def __init__(self, host: str, port: int, setting: str, problems: Problems) -> None:
        self._http = HttpServer(Starlette(routes=probe_routes(problems)), host, port, setting)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._http.port

    async def start(self) -> None:
        """Listen.

        Raises:
            FatalError: the port is taken.
        """
        await self._http.start()

    async def stop(self) -> None:
        """Stop listening."""
        await self._http.stop()


def probe_routes(problems: Problems) -> list[Route]:
    """Return the routes of the three probes."""

    async def livez(_: Request) -> Response:
        return PlainTextResponse("ok")

    async def readyz(_: Request) -> Response:
        reasons = list(problems())
        return JSONResponse({"ready": not reasons, "reasons": reasons}, UNAVAILABLE if reasons else 200)

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return [Route("/livez", livez), Route("/readyz", readyz), Route("/metrics", metrics)]
