"""The table of what runs."""

from pathlib import Path

import pytest

from connectors.sandbox.vendors import VENDORS
from streams.local.errors import LocalError
from streams.local.plan import SANDBOXES, names, plan, select
from streams.settings import Ports, Settings


def test_steps_come_after_what_they_need() -> None:
    """Every step names only earlier steps as its prerequisites."""
    seen: set[str] = set()
    for step in plan(Settings(), {}, print):
        assert set(step.after) <= seen
        seen.add(step.name)


def test_every_port_of_the_settings_has_its_owner() -> None:
    """No port setting is without a step that binds it, and its name is the setting's."""
    assert {name for step in plan(Settings(), {}, print) for name in step.ports} == set(Ports.model_fields)


def test_selection_keeps_indirect_order() -> None:
    """A chosen step waits for a chosen one it needs through others that were left out."""
    kafka, connect = select(plan(Settings(), {}, print), ["connect", "kafka"])
    assert (kafka.name, kafka.after) == ("kafka", ())
    assert (connect.name, connect.after) == ("connect", ("kafka",))


def test_an_unknown_step_is_named() -> None:
    """A typo in --only names the word and what there is."""
    with pytest.raises(LocalError, match=r"'kafak'; known are kafka, registry"):
        select(plan(Settings(), {}, print), ["kafak"])


async def test_our_commands_get_log_and_environment(tmp_path: Path) -> None:
    """A role is our own command line with the given environment and a log named after it."""
    step = next(s for s in plan(Settings(data_dir=tmp_path), {"A": "b"}, print) if s.name == "topics")
    program = await step.prepare()
    assert list(program.argv[1:]) == ["-m", "streams.cli", "topics", "apply"]
    assert (program.env, program.log) == ({"A": "b"}, tmp_path / "logs" / "topics.log")
    assert names(Settings())[:2] == ["kafka", "registry"]


def test_every_sandbox_has_a_port_that_can_be_moved() -> None:
    """`sluiceway up` gives each vendor that the sandbox can play an address of the settings."""
    assert set(SANDBOXES) == set(VENDORS)
    assert {name: getattr(Ports(), name) for name in SANDBOXES} == {name: port for name, (port, _) in VENDORS.items()}
