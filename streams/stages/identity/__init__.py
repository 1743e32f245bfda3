"""Who is it? A draft is the entity that its vendor object already is, or one that it matches, or a new one."""

from streams.stages.identity import past
from streams.stages.identity.exact import NAMESPACE, index, linked, match_keys, new_id
from streams.stages.identity.records import Records
from streams.stages.identity.resolve import Resolution, resolve

__all__ = ["NAMESPACE", "Records", "Resolution", "index", "linked", "match_keys", "new_id", "past", "resolve"]
