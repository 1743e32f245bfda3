"""Free ports on the loopback interface."""

import contextlib
import secrets
import socket

# Below what Linux and macOS hand out to outgoing connections: a server takes seconds to start, and a port asked of the
# system (port 0) would often be lent to a client meanwhile.
_RANGE = range(20_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Return so many different ports that nobody listens on now."""
    found: set[int] = set()
    while len(found) < count:
        port = secrets.choice(_RANGE)
        if is_free(port):
            found.add(port)
    return list(found)


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could bind the port."""
    with socket.socket() as sock, contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        return True
    return False
