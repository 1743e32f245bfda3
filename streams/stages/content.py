"""What a vendor's record says, as a hash: the same content is known when it comes again.

Two bodies have the same content if they agree in every field that the template reads for anything but the version,
under the same template, settings and standard forms.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from streams.stages import normalise
from streams.stages.mapping import paths
from streams.stages.mapping.model import Template

_ENCODED = json.JSONEncoder(separators=(",", ":"), default=str).encode


def digest(template: Template, settings: str, body: Mapping[str, Any]) -> str:
    """Return the hash of what `body` says.

    Args:
        template: the inbound one that reads it.
        settings: fingerprint of the tenant's settings.
        body: the vendor's JSON, numbers with a fraction as Decimal.
    """
    said = {
        name: body[name] if tree is None else paths.fill(tree, body[name])
        for name, tree in template.content.items()
        # An empty field says something only where an absent one is not the same.
        if name in body and not (template.absent_is_empty and body[name] is None)
    }
    return sha256(_ENCODED([normalise.VERSION, template.fingerprint, settings, said]).encode()).hexdigest()
