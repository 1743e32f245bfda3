"""The shipped templates, and a tenant's own in their place."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from connectors.errors import MappingError
from streams.stages.mapping.errors import TemplateError
from streams.stages.mapping.model import Template
from streams.stages.mapping.template import parse


class Templates:
    """Templates by name (`salesforce/account`) and by what they read."""

    def __init__(self, templates: Sequence[Template]) -> None:
        self._by_name = {template.name: template for template in templates}
        self._inbound = {(t.vendor, t.object): t for t in templates if t.direction == "inbound"}

    @classmethod
    def load(cls, folder: Path) -> "Templates":
        """Read every `<vendor>/mapping/*.yaml` below `folder`, the folder `connectors`.

        Raises:
            TemplateError: one of them is wrong.
        """
        return cls([_parse(name, path.read_text()) for name, path in files(folder).items()])

    def inbound(self, vendor: str, object_type: str) -> Template | None:
        """Return the template that reads a vendor's object."""
        return self._inbound.get((vendor, object_type))

    def named(self, name: str) -> Template:
        """Return a template.

        Raises:
            MappingError: there is none of this name.
        """
        found = self._by_name.get(name)
        if found is None:
            raise MappingError("template", f"there is no mapping template {name}")
        return found

    def replaced(self, texts: Mapping[str, str]) -> "Templates":
        """Return these templates with a tenant's own in place of those of the same name, or beside them.

        Raises:
            TemplateError: one of the texts is wrong.
        """
        own = {name: _parse(name, text) for name, text in sorted(texts.items())}
        return Templates(list({**self._by_name, **own}.values())) if own else self


def files(folder: Path) -> Mapping[str, Path]:
    """Return the template files below the folder `connectors`, by template name."""
    return {f"{path.parts[-3]}/{path.stem}": path for path in sorted(folder.glob("*/mapping/*.yaml"))}


def check(folder: Path) -> Sequence[TemplateError]:
    """Return what is wrong with the templates below the folder `connectors`: the first error of each file."""
    found = []
    for name, path in files(folder).items():
        try:
            _parse(name, path.read_text(), str(path))
        except TemplateError as error:
            found.append(error)
    return found


@lru_cache(maxsize=4096)
def _parse(name: str, text: str, file: str = "") -> Template:
    file = file or f"{name}.yaml"
    template = parse(file, text)
    if template.name != name:
        raise TemplateError(file, 1, "name", f"is {template.name}, but the file is that of {name}")
    return template
