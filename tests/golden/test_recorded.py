"""What vendors send is what golden files say they send: today's sandboxes, read by our own sources, say the same."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import connectors
from connectors.wire import loads
from streams.stages.mapping import Templates
from streams.stages.mapping.model import Template
from tests.recording.buyers import ANN
from tests.recording.company import company
from tests.recording.story import SNAPSHOT, tell

HERE = Path(__file__).parent
TEMPLATES = Templates.load(Path(connectors.__file__).parent)
READ_AS = {f"salesforce/{SNAPSHOT}": "salesforce/Opportunity"}
"""What is mapped of an object where it is not the object's own record."""
CALLERS = frozenset({"api"})
"""Here callers of our own gateway send, no vendor."""
INBOUND = [name for name in TEMPLATES.objects("inbound") if name.partition("/")[0] not in CALLERS]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """The last living record of every vendor's object, by template's `vendor/object`, after one buyer bought."""

    async def record() -> dict[str, Any]:
        async with company(tmp_path_factory.mktemp("sandbox")) as acme:
            told = await tell(acme, [ANN])
        return {f"{vendor}/{raw.object}": loads(raw.body) for vendor, raw in told if not (raw.deleted or raw.hint)}

    found = asyncio.run(record())
    found |= {name: found[source] for source, name in READ_AS.items()}
    return {**{name: body for base, whole in found.items() for name, body in _parts(base, whole)}, **found}


def _parts(base: str, body: Any) -> Iterator[tuple[str, Any]]:
    """Yield the objects that a record holds beside its own, as their templates get them."""
    vendor, _, object_type = base.partition("/")
    template = TEMPLATES.inbound(vendor, object_type)
    for part in template.parts if template is not None else ():
        item = body
        for step in part.steps:
            item = item[step.removesuffix("[]")]
            item = item[0] if step.endswith("[]") else item
        yield f"{vendor}/{part.object}", {**item, "record": body} if part.steps else item


def _template(name: str) -> Template:
    vendor, _, object_type = name.partition("/")
    found = TEMPLATES.inbound(vendor, object_type)
    assert found is not None
    return found


@pytest.mark.parametrize("name", INBOUND)
def test_a_record_is_what_the_vendor_sends(name: str, sent: Mapping[str, Any], update_golden: bool) -> None:
    """Nothing is left out of the comparison: clock, names and what sandboxes draw are the same each time."""
    body = sent[name]
    file = HERE / _template(name).name / "sent.json"
    if update_golden:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(body, indent=2, ensure_ascii=False, default=_number) + "\n")
    assert loads(file.read_bytes()) == body


def _number(value: Any) -> Any:
    return float(value)
