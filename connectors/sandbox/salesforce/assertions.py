"""JWT bearer assertions (RFC 7523): signed with the key whose certificate the app has, or with the one it was given."""

import base64
import binascii
import os
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from connectors.sandbox.json_text import loads

_KEY_FILE = "salesforce-jwt-key.pem"
_EXPONENT, _BITS = 65537, 2048


class InvalidAssertionError(ValueError):
    """What came is no JWT, or not signed with a known key."""


class OfferedKey:
    """The private key that `credentials` gives out, for clients that bring none; one per data folder."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / _KEY_FILE

    def pem(self) -> str:
        """The private key; made at the first call."""
        if not self._file.exists():
            key = generate_private_key(_EXPONENT, _BITS)
            text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            with os.fdopen(os.open(self._file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(text)
        return self._file.read_text()

    def public(self) -> RSAPublicKey | None:
        """Its public half, once it was given out."""
        key = load_pem_private_key(self.pem().encode(), None).public_key() if self._file.exists() else None
        return key if isinstance(key, RSAPublicKey) else None


def public_key(pem: str) -> RSAPublicKey | None:
    """The RSA key of a PEM certificate or public key, None for anything else."""
    try:
        if "CERTIFICATE" in pem:
            key: object = x509.load_pem_x509_certificate(pem.encode()).public_key()
        else:
            key = load_pem_public_key(pem.encode())
    except ValueError:
        return None
    return key if isinstance(key, RSAPublicKey) else None


def claims_of(assertion: str) -> dict[str, Any]:
    """The claims, not verified yet; raises InvalidAssertionError."""
    try:
        header, claims = (loads(_decoded(part)) for part in assertion.split(".")[:2])
        if header["alg"] == "RS256" and isinstance(claims, dict):
            return claims
    except (ValueError, KeyError, TypeError, binascii.Error):
        pass
    raise InvalidAssertionError


def check_signature(assertion: str, *keys: RSAPublicKey | None) -> None:
    """Raise InvalidAssertionError unless one of the keys made the signature."""
    signed, _, signature = assertion.rpartition(".")
    for key in keys:
        try:
            if key is not None:
                key.verify(_decoded(signature), signed.encode(), PKCS1v15(), hashes.SHA256())
                return
        except (InvalidSignature, ValueError, binascii.Error):
            continue
    raise InvalidAssertionError


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
