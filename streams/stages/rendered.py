"""Bodies that need not be rendered again: what was rendered last for an object, and of which values.

A body is a function of what its template declares to read, of the template and of the settings. So as long as these are
equal the body is, whoever changed what else; most that is routed asks for a state that was asked for before. The memory
is a bounded one of this process: without it everything is rendered, and compared by its digest.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from streams.recent import MISSING, Recent
from streams.stages.mapping.model import Template

Said = tuple[Any, ...]
"""Everything that a body is made of."""
Key = tuple[str, str, str]
"""Tenant, vendor, our name of the object."""
ROOM = 32 << 20
LARGER = 4
"""The values take so many times the bytes of the body made of them, about."""


class _Made(NamedTuple):
    of: Said
    digest: str
    size: int


_LAST = Recent[Key, _Made](ROOM, lambda _, made: LARGER * made.size)


def said(template: Template, settings: str, records: Mapping[str, Mapping[str, Any] | None]) -> Said:
    """Return what a template would make a body of.

    Args:
        template: an outbound one.
        settings: fingerprint of the tenant's settings.
        records: as `outbound.body` takes them; `settings` are those of this body alone.
    """
    read = [
        [_value(name, record.get(name)) for name in tree] if (record := records.get(role)) is not None else None
        for role, tree in template.sources.items()
        if role != "settings"
    ]
    return template.fingerprint, settings, records.get("settings"), read


def _value(name: str, value: Any) -> Any:
    """Custom fields have no type of their own: there true and 1 are equal, but not the same."""
    return repr(value) if name == "custom" else value


def digest_of(key: Key, made_of: Said) -> str | None:
    """Return the digest of an object's body if it was rendered last of the same values."""
    last = _LAST.get(key)
    return last.digest if last is not MISSING and last.of == made_of else None


def note(key: Key, made_of: Said, digest: str, size: int) -> None:
    """Keep of what a body of so many bytes was rendered."""
    _LAST.put(key, _Made(made_of, digest, size))
