"""The flows' packs: their templates are shipped, their example connections would be applied as they are."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

import connectors
from connectors.tokens import MemoryTokenStore
from streams.commands.connection_apply import Console, _connection, _problems
from streams.commands.connection_file import ConnectionFile
from streams.settings import Settings
from streams.stages.mapping.templates import files

ROOT = Path(__file__).parents[3]
EXAMPLES = sorted((ROOT / "deploy" / "examples").glob("*.yaml"))
README = (ROOT / "connectors" / "README.md").read_text()


class AnyName(Mapping[str, str]):
    """An environment that has every variable."""

    def __getitem__(self, name: str) -> str:
        return f"value-of-{name}"

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


def packs() -> dict[str, set[str]]:
    """Return the templates of each pack of the README, by its example."""
    found = {}
    for name, *cells in re.findall(
        r"^\| [^|]+`(deploy/examples/[^`]+)` \| ([^|]+) \| ([^|]+) \|$", README, re.MULTILINE
    ):
        templates = set()
        for group in "; ".join(cells).split("; "):
            vendor, _, rest = group.partition(": ")
            templates |= {f"{vendor}/{template.strip()}" for template in rest.split(",")}
        found[name] = templates
    return found


def test_every_template_belongs_to_a_pack() -> None:
    """None is listed that is not shipped, none shipped that no flow needs; every example stands in the table."""
    assert set().union(*packs().values()) == set(files(Path(connectors.__file__).parent))
    assert set(packs()) == {str(path.relative_to(ROOT)) for path in EXAMPLES}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
async def test_an_example_would_be_applied(path: Path) -> None:
    """File, rules, settings of every vendor and the vendors that its pack needs are right."""
    file = ConnectionFile(path, AnyName())
    nobody = SimpleNamespace(tenants=list, account_of=lambda *_: None)
    view = cast("Console", SimpleNamespace(settings=Settings(), directory=nobody))
    wanted = [_connection(file, entry, None) for entry in file.tenants]
    problems = [
        problem
        for index, connection in enumerate(wanted)
        async for problem in _problems(view, file, index, connection, MemoryTokenStore())
    ]
    assert problems == []
    vendors = {name.partition("/")[0] for name in packs()[str(path.relative_to(ROOT))]} - {"api"}
    assert [set(connection.vendors) for connection in wanted] == [vendors]
