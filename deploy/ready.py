#!/usr/bin/env -S python3 -IS
"""Exit 0 when one of the local addresses answers 200: `ready PORT/PATH...`, the image's health check.

It starts every few seconds beside every role, so it imports next to nothing.
"""

import socket
import sys
from collections.abc import Sequence

TIMEOUT = 3.0


def answers(address: str) -> bool:
    """Tell whether `PORT/PATH` on 127.0.0.1 answers 200 within 3 s."""
    port, _, path = address.partition("/")
    try:
        with socket.create_connection(("127.0.0.1", int(port)), TIMEOUT) as connection:
            connection.sendall(f"GET /{path} HTTP/1.0\r\n\r\n".encode())
            status = connection.makefile("rb").readline()
    except OSError:
        return False
    return status.split()[1:2] == [b"200"]


def main(addresses: Sequence[str]) -> int:
    """Return the exit code Docker understands: 0 healthy, 1 not."""
    return 0 if any(answers(address) for address in addresses) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
