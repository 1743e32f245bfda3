"""The shipped templates, and a tenant's own in their place."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import connectors
from connectors.errors import MappingError
from connectors.kafka.records import CustomField
from streams.stages.mapping.custom import extended
from streams.stages.mapping.document import text_of
from streams.stages.mapping.errors import TemplateError
from streams.stages.mapping.model import Template
from streams.stages.mapping.soundness import between, unsound
from streams.stages.mapping.template import parse

SHIPPED = Path(connectors.__file__).parent
"""The folder that the shipped templates are below."""


class Templates:
    """Templates by name (`salesforce/account`) and by what they read."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self._by_name = {template.name: template for template in templates}
        self._inbound = {(t.vendor, t.object): t for t in templates if t.direction == "inbound"}
        links = (link for template in self._inbound.values() for link in template.same_as)
        self._same_as = frozenset((vendor, kind) for link in links for vendor, kind, _ in link.candidates)
        for error in _circles(templates):
            raise error

    @classmethod
    def load(cls, folder: Path) -> "Templates":
        """Read every `<vendor>/mapping/*.yaml` below `folder`, the folder `connectors`.

        Raises:
            TemplateError: one of them is wrong.
        """
        return cls([_read(name, path) for name, path in files(folder).items()])

    def __iter__(self) -> Iterator[Template]:
        return iter(self._by_name.values())

    def inbound(self, vendor: str, object_type: str) -> Template | None:
        """Return the template that reads a vendor's object."""
        return self._inbound.get((vendor, object_type))

    def is_same_as(self, vendor: str, object_type: str) -> bool:
        """Tell whether any template names objects of a type as what its own are the same as."""
        return (vendor, object_type) in self._same_as

    def objects(self, direction: str) -> Sequence[str]:
        """Return the vendor/object pairs that templates read (`inbound`) or write (`outbound`), sorted."""
        return sorted({f"{t.vendor}/{t.object}" for t in self._by_name.values() if t.direction == direction})

    def named(self, name: str) -> Template:
        """Return a template.

        Raises:
            MappingError: there is none of this name.
        """
        found = self._by_name.get(name)
        if found is None:
            raise MappingError("template", f"there is no mapping template {name}")
        return found

    def replaced(self, texts: Mapping[str, str], custom_fields: Mapping[str, CustomField] | None = None) -> "Templates":
        """Return these templates with a tenant's own in place of those of the same name, or beside them.

        Each template reads and writes the tenant's custom fields of its object.

        Raises:
            TemplateError: one of the texts is wrong.
            MappingError: a custom field has the name of one that a template has.
        """
        own = {name: _parse(name, text) for name, text in sorted(texts.items())}
        if not own and not custom_fields:
            return self
        found = {**self._by_name, **own}.values()
        return Templates([extended(template, custom_fields or {}) for template in found])


def files(folder: Path) -> Mapping[str, Path]:
    """Return the template files below the folder `connectors`, by template name."""
    return {f"{path.parts[-3]}/{path.stem}": path for path in sorted(folder.glob("*/mapping/*.yaml"))}


def check(folder: Path, shipped: Sequence[Template] = ()) -> Sequence[TemplateError]:
    """Return what is wrong with the templates below a folder like `connectors`.

    Args:
        folder: where they are.
        shipped: which they replace, or stand beside.
    """
    found, right = [], []
    for name, path in files(folder).items():
        try:
            right.append(_parse(name, text_of(path), str(path)))
        except TemplateError as error:
            found.append(error)
    return [*found, *wrong(right, shipped)]


def wrong(templates: Sequence[Template], shipped: Iterable[Template]) -> Iterator[TemplateError]:
    """Yield what is wrong with templates that can be read, by themselves and among the shipped ones."""
    for template in templates:
        yield from unsound(template)
    yield from between(templates, former := list(shipped))
    mine = {template.name for template in templates}
    yield from _circles([*templates, *(template for template in former if template.name not in mine)], mine)


def _circles(templates: Iterable[Template], of: Collection[str] | None = None) -> Iterator[TemplateError]:
    """Yield an error for each template, or those of some names, whose whole record is part of itself through others."""
    inbound = {(t.vendor, t.object): t for t in templates if t.direction == "inbound"}
    for template in inbound.values():
        for part in template.parts if of is None or template.name in of else ():
            way = _way(inbound, template.vendor, part.object, template.object, ()) if not part.steps else None
            if way is not None and template.document is not None:
                reason = f"is a cycle: {' → '.join((template.object, *way))}; a record may not hold itself"
                yield TemplateError(template.document.file, part.line, f"parts.{part.object}", reason)


def _way(
    inbound: Mapping[tuple[str, str], Template], vendor: str, start: str, goal: str, past: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return how one object type leads to another by parts that are the whole record."""
    here = (*past, start)
    if start == goal:
        return here
    template = inbound.get((vendor, start)) if start not in past else None
    ways = (
        _way(inbound, vendor, part.object, goal, here)
        for part in (template.parts if template is not None else ())
        if not part.steps
    )
    return next((way for way in ways if way is not None), None)


def _read(name: str, path: Path) -> Template:
    """Read a file, but by the template's name: what depends on its text must not depend on where it stands."""
    try:
        return _parse(name, text_of(path))
    except TemplateError as error:
        raise TemplateError(str(path), error.line, error.field, error.reason) from None


@lru_cache(maxsize=4096)
def _parse(name: str, text: str, file: str = "") -> Template:
    file = file or f"{name}.yaml"
    template = parse(file, text)
    if template.name != name:
        raise TemplateError(file, 1, "name", f"is {template.name}, but the file is that of {name}")
    return template
