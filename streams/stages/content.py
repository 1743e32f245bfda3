"""What a vendor's record says, as a hash: the same content is known when it comes again.

Two bodies have the same content if they agree in every field that the template reads for anything but the version,
under the same template, settings and standard forms.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from typing import Any

import msgspec

from streams.stages import normalise
from streams.stages.mapping.model import Template

SEVERAL = "several"
"""Stands for the contents of a version that had more than one: no later one is known by it."""
_ENCODED = msgspec.json.Encoder(enc_hook=str, decimal_format="number").encode


def digest(template: Template, settings: str, body: Mapping[str, Any]) -> str:
    """Return the hash of what `body` says.

    Args:
        template: the inbound one that reads it.
        settings: fingerprint of the tenant's settings.
        body: the vendor's JSON, numbers with a fraction as Decimal.
    """
    said = template.content(body)
    try:
        text = _ENCODED(said)
    except UnicodeEncodeError:  # half a surrogate pair, which has no form in UTF-8
        text = repr(said).encode(errors="backslashreplace")
    found = _under(template.fingerprint, settings).copy()
    found.update(text)
    return str(found.hexdigest())


@lru_cache(maxsize=4096)
def _under(template: str, settings: str) -> Any:
    """Return the hash of what a body is read by; the body's own is a copy that goes on from there."""
    return sha256(f"{normalise.VERSION}/{template}/{settings}/".encode())
