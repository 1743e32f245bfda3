"""What vendors say of a tenant's fields, and whether its custom fields fit that."""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from connectors.catalogue import VENDORS
from connectors.errors import FatalError, MappingError, RejectedError
from connectors.kafka.records import Connection, CustomField
from connectors.ports import Account, Describer, FieldInfo, Tools
from streams.stages import telling
from streams.stages.mapping import SHIPPED, Templates
from streams.stages.mapping.custom import CONVERSIONS, check_fields
from streams.stages.mapping.model import Template
from streams.stages.mapping.templates import wrong as wrong_templates

Open = Callable[[str], AbstractAsyncContextManager[Describer]]
"""Opens a vendor of the tenant for its descriptions."""
Problem = tuple[Sequence[str], str]
"""Where below `custom_fields`, and what is wrong."""


def asking(vendor: str, settings: Mapping[str, str], fields: Mapping[str, CustomField]) -> Mapping[str, str]:
    """Return a vendor's settings that make its source ask for the custom fields that are read."""
    found = dict(settings)
    for place, theirs in sorted((place, name) for field in fields.values() for place, name in field.read.items()):
        name, _, object_type = place.partition("/")
        if name == vendor:
            key = f"fields.{object_type}"
            known = [part.strip() for part in found.get(key, "").split(",") if part.strip()]
            found[key] = ",".join(dict.fromkeys([*known, theirs]))
    return found


def wrong_mappings(texts: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a tenant's own templates, alone and in the place of shipped ones: name, reason."""
    right: list[Template] = []
    for name, text in texts.items():
        try:
            right += Templates([]).replaced({name: text})
        except MappingError as error:
            yield name, str(error)
    for wrong in wrong_templates(right, Templates.load(SHIPPED)):
        yield wrong.file.removesuffix(".yaml"), str(wrong)


def wrong_fields(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a tenant's custom fields whatever its vendors have: path, reason."""
    try:
        templates = Templates.load(SHIPPED).replaced(connection.mappings)
    except MappingError:
        return  # told already
    found = [*check_fields(connection.custom_fields, templates), *_written_twice(connection)]
    for name, field in connection.custom_fields.items():
        if field.cut and CONVERSIONS[field.type].kept != "string":
            found.append((f"{name}.cut", f"cuts a {field.type} to another one; only texts can be cut, remove it"))
    yield from found
    if found:
        return
    for name, field in connection.custom_fields.items():
        try:
            templates.replaced({}, {name: field})
        except MappingError as error:
            yield name, str(error)


def _written_twice(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield custom fields that are written where another one, or a figure, goes."""
    taken = {
        (f"{vendor}/{kind}", theirs): f"{telling.PREFIX}{figure}"
        for vendor, kind, start in _FIGURES
        if vendor in connection.vendors
        for figure, theirs in telling.settings_of(connection.vendors[vendor].settings).items()
        if figure.startswith(start) and figure.removeprefix(start) in telling.figures()
    }
    for name, field in connection.custom_fields.items():
        for place, theirs in field.write.items():
            other = taken.setdefault((place, theirs), name)
            if other != name:
                yield f"{name}.write.{place}", f"is {theirs}, where {other} is written; a field takes one of them"


_FIGURES = (("salesforce", "Account", ""), ("salesforce", "Contact", telling.CONTACT), ("pardot", "Prospect", ""))


def unknown_customs(connection: Connection) -> Iterator[tuple[str, str]]:
    """Yield policies of custom fields that nothing reads: target, reason."""
    try:
        templates = Templates.load(SHIPPED).replaced(connection.mappings)
    except MappingError:
        return  # told already
    known = {(t.entity, field.path) for t in templates for field in t.custom}
    known |= {
        (t.entity, name)
        for t in templates
        for name, field in connection.custom_fields.items()
        if f"{t.vendor}/{t.object}" in field.read
    }
    for target in connection.policies:
        entity, _, name = target.partition(".custom.")
        if name and (entity, name) not in known:
            there = ", ".join(sorted(known_ for of, known_ in known if of == entity)) or "none"
            yield target, f"no custom field {name} of {entity} is read; there are: {there}"


@asynccontextmanager
async def describer(connection: Connection, tools: Tools, vendor: str) -> AsyncIterator[Describer]:
    """Open a vendor of a tenant for its descriptions.

    Raises:
        FatalError: the tenant has no such vendor, or it describes nothing.
    """
    found = connection.vendors.get(vendor)
    if found is None:
        known = ", ".join(sorted(connection.vendors))
        raise FatalError(f"tenant {connection.tenant} has no {vendor} — connected are: {known}")
    account = Account(connection.tenant, vendor, found.base_url, found.account, found.settings)
    connector = VENDORS[vendor].open(account, tools)
    try:
        if connector.describer is None:
            raise FatalError(f"{vendor} has no custom fields that we read or write")
        yield connector.describer
    finally:
        await connector.aclose()


async def misfits(connection: Connection, open_: Open) -> AsyncIterator[Problem]:
    """Yield where a tenant's custom fields do not fit what the vendors have; asks each object's description once.

    Raises:
        ConnectorError: a vendor could not be asked.
    """
    asked = _Descriptions(connection, open_)
    for name, field in connection.custom_fields.items():
        read = {}
        for place, theirs in field.read.items():
            found = await asked.field(place, theirs)
            if isinstance(found, str):
                yield (name, "read", place), found
            elif found is not None:
                read[place] = found
                if found.type not in {*CONVERSIONS[field.type].takes, "other"}:
                    yield (name, "read", place), f"is {theirs}, a {found.type}; that is not read as {field.type}"
        for place, theirs in field.write.items():
            found = await asked.field(place, theirs)
            if isinstance(found, str):
                yield (name, "write", place), found
            elif found is not None:
                for reason in _unwritable(field, found, read):
                    yield (name, "write", place), f"is {theirs}, {reason}"


def _unwritable(field: CustomField, target: FieldInfo, read: Mapping[str, FieldInfo]) -> Sequence[str]:
    reasons = []
    if not target.writable:
        reasons.append("which our user may not write")
    if target.type not in {*CONVERSIONS[field.type].gives, "other"}:
        reasons.append(f"a {target.type}; {field.type} is not written there")
    longest = field.cut or max(map(_length, read.values()), default=0)
    if target.length and longest > target.length and CONVERSIONS[field.type].kept == "string":
        reasons.append(
            f"which takes {target.length} characters, but up to {longest} may come; set cut: {target.length}"
        )
    if target.restricted and target.values:
        missing = sorted({value for info in read.values() for value in info.values} - set(target.values))
        if missing:
            reasons.append(f"a list without {', '.join(missing[:5])}; add what may come to it")
    return reasons


def _length(info: FieldInfo) -> int:
    return info.length or max(map(len, info.values), default=0)


class _Descriptions:
    """Fields by vendor/object, each object asked about once."""

    def __init__(self, connection: Connection, open_: Open) -> None:
        self._connection = connection
        self._open = open_
        self._known: dict[str, tuple[Describer, Mapping[str, FieldInfo]]] = {}

    async def field(self, place: str, name: str) -> FieldInfo | str | None:
        """Return a field, what is wrong if there is none, or None where the vendor does not describe it."""
        vendor, _, object_type = place.partition("/")
        if vendor not in self._connection.vendors:
            return f"{vendor} is not connected; remove it, or connect {vendor}"
        if place not in self._known:
            try:
                async with self._open(vendor) as opened:
                    described = {field.name: field for field in await opened.fields(object_type)}
                    self._known[place] = opened, described
            except RejectedError as error:
                return str(error)
        asked, fields = self._known[place]
        if name in fields:
            return fields[name]
        if not asked.describes(name):
            return None
        there = ", ".join(field.name for field in fields.values() if field.custom) or "none"
        return f"{object_type} has no field {name}, or our user may not see it; custom ones are {there}"
