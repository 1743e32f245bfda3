"""What an object of API v5 is: its fields, and what callers may do with it. `catalogue.py` lists them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

INT, TEXT, EMAIL, FLAG, TIME, DATE, NUMBER, LIST = "int", "text", "email", "flag", "time", "date", "number", "list"
_MARKS = {"#": INT, "?": FLAG, "@": TIME, "%": NUMBER, "+": LIST, "": TEXT}
_WORD = re.compile(r"([\w.]+)([#?@%+]?)(?:>([\w-]+))?")
_RANGES = {"id": "=<>", "createdAt": "<>", "updatedAt": "<>", "lastActivityAt": "<>", "sentAt": "<>"}
_EQUALS = frozenset({"name", "email", "type", "fieldId", "status", "objectType", "domain", "operation"})
_GIVEN_BY_US = frozenset({"id", "isDeleted", "createdAt", "updatedAt", "createdById", "updatedById"})


@dataclass(frozen=True, slots=True)
class Object:
    """One object.

    Attributes:
        name: Its place in URLs, kebab-case plural.
        fields: Name to kind.
        writable: Fields that a create or update may set.
        fixed: Those of `writable` that only a create may set.
        required: Fields that a create must set.
        filters: Fields that a query may filter by, and with which comparisons: `=`, `<>` for ranges.
        parents: Relations in `fields` by dots: step to (object, id field).
        binned: Whether deleting is reversible and `deleted=` may be asked.
        creates, changes, tagged: Whether callers may create; update and delete; tag.
    """

    name: str
    fields: Mapping[str, str]
    writable: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    parents: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    binned: bool = True
    creates: bool = False
    changes: bool = False
    tagged: bool = False


def define(
    name: str,
    words: str,
    *,
    can: str = "",
    required: str = "name",
    fixed: str = "",
    given_by_us: str = "",
    unfiltered: str = "",
) -> Object:
    """Define an object.

    Args:
        name: Its place in URLs.
        words: Its fields: `name` is text, `id#` a whole number, `isDeleted?` true or false, `sentAt@` an instant,
            `cost%` a number, `recipientListIds+` a list, and `campaignId>campaigns` the id of another object, which
            `fields` reaches as `campaign.name`.
        can: What callers may do beside reading: C create, U update and delete, T tag.
        required: Fields that a create must set, of those the object has.
        fixed: Fields that only a create may set.
        given_by_us: Fields that no caller may set.
        unfiltered: Fields that a query may not filter by, against the habit of their name.
    """
    fields: dict[str, str] = {}
    parents: dict[str, tuple[str, str]] = {}
    for word in words.split():
        match = _WORD.fullmatch(word)
        if match is None:
            raise ValueError(f"{name}: {word!r} is no field")
        step, mark, parent = match.groups()
        fields[step] = INT if parent else EMAIL if step == "email" else _MARKS[mark]
        if parent:
            parents[step.removesuffix("Id")] = (parent, step)
    closed = _GIVEN_BY_US | set(given_by_us.split())
    return Object(
        name,
        fields,
        writable=frozenset(fields) - closed if can else frozenset(),
        fixed=frozenset(fixed.split()),
        required=tuple(step for step in required.split() if step in fields),
        filters={step: _comparisons(step) for step in set(fields) - set(unfiltered.split()) if _comparisons(step)},
        parents=parents,
        binned="isDeleted" in fields,
        creates="C" in can,
        changes="U" in can,
        tagged="T" in can,
    )


def _comparisons(step: str) -> str:
    return _RANGES.get(step) or ("=" if step in _EQUALS or step.endswith("Id") else "")


# The kinds of prospect custom fields ("Custom Field" object, type) that are served, and how their values are kept.
CUSTOM_KINDS = {"Text": TEXT, "Textarea": TEXT, "Dropdown": TEXT, "Number": NUMBER, "Date": DATE, "Checkbox": TEXT}
