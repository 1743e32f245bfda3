"""Where the Pub/Sub API listens: gRPC over TLS on a port of its own, on the sandbox's loop."""

import errno

import grpc
from grpc import aio

from connectors.pubsub_api.pubsub_api_pb2_grpc import PubSubServicer, add_PubSubServicer_to_server
from connectors.sandbox.context import SandboxContext
from connectors.sandbox.listener import PortTakenError

PORT = "salesforce_pubsub"
_DEFAULT_PORT = 8102
_GRACE_SECONDS = 0.5
_OPTIONS = [
    # Two sandboxes on one port would share its calls by chance.
    ("grpc.so_reuseport", 0),
    # Clients that ping to keep a silent stream open are not sent away.
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.max_ping_strikes", 0),
]


class PubSubServer:
    """`port` is the bound one once started."""

    def __init__(self, ctx: SandboxContext, servicer: PubSubServicer) -> None:
        self._ctx = ctx
        self._servicer = servicer
        self._server: aio.Server | None = None
        self.port = 0

    async def start(self, *names: str) -> None:
        """Accept calls, with a certificate for the host and these names. Raises PortTakenError."""
        # Whoever takes any free port for the REST API takes any for this one.
        anywhere = self._ctx.ports.get(self._ctx.vendor) == 0
        port = self._ctx.ports.get(PORT, 0 if anywhere else _DEFAULT_PORT)
        chain, key = self._ctx.authority.issue(*dict.fromkeys((self._ctx.host, *names)))
        server = aio.server(options=_OPTIONS)
        add_PubSubServicer_to_server(self._servicer, server)
        try:
            self.port = server.add_secure_port(f"{self._ctx.host}:{port}", grpc.ssl_server_credentials([(key, chain)]))
        except RuntimeError:
            message = f"port {port} on {self._ctx.host}, meant for {PORT}, is taken; choose another"
            raise PortTakenError(errno.EADDRINUSE, message) from None
        await server.start()
        self._server = server

    async def stop(self) -> None:
        """End every stream."""
        if self._server is not None:
            await self._server.stop(_GRACE_SECONDS)
