"""A certificate authority of our own, so that clients which insist on https find it."""

import os
import ssl
from pathlib import Path

import trustme

LOCAL_NAMES = ("localhost", "127.0.0.1", "::1", "sandbox", "host.docker.internal")
"""What the machine that runs the sandboxes may be called."""


class Authority:
    """Kept in a folder, so that clients that trust it go on doing so after a restart.

    `ca_file` is the PEM to trust (REQUESTS_CA_BUNDLE, SSL_CERT_FILE, NODE_EXTRA_CA_CERTS).
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.ca_file = folder / "ca.pem"
        key_file = folder / "ca-key.pem"
        if self.ca_file.exists() and key_file.exists():
            self._ca = trustme.CA.from_pem(self.ca_file.read_bytes(), key_file.read_bytes())
            return
        self._ca = trustme.CA(organization_name="Sluiceway sandbox")
        with os.fdopen(os.open(key_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(self._ca.private_key_pem.bytes())
        self.ca_file.write_bytes(self._ca.cert_pem.bytes())

    def issue(self, *names: str) -> tuple[bytes, bytes]:
        """(certificate chain, private key) as PEM for these host names or addresses."""
        leaf = self._ca.issue_cert(*names)
        chain = b"".join(blob.bytes() for blob in leaf.cert_chain_pems)
        return chain, leaf.private_key_pem.bytes()

    def server_context(self, *names: str) -> ssl.SSLContext:
        """TLS 1.2 or newer for a server of these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._ca.issue_cert(*names).configure_cert(context)
        return context
