"""The file of `connections apply`: what it may say, and how a mistake is told."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

import connectors
from connectors.clock import SystemClock
from connectors.errors import FatalError, MappingError
from connectors.ports import Secret, Tools
from connectors.tokens import MemoryTokenStore
from streams.commands.connection_apply import Console, _connection, _problems, _store, _without_effect, _wrong_texts
from streams.commands.connection_file import ConnectionFile, Elsewhere
from streams.settings import Settings

GOOD = """\
tenants:
  - tenant: acme
    zone: Europe/Berlin
    currency: EUR
    rules: {file: rules.yaml}
    vendors:
      quickbooks:
        base_url: https://quickbooks.api.intuit.com
        account: 1185883450
        settings: {poll_seconds: 60, sandbox: true}
        credentials:
          client_id: abc
          client_secret: {env: QB_SECRET}
          webhook_secret: {file: verifier.txt}
"""


def written(folder: Path, text: str) -> Path:
    """Write the file and what it points to."""
    (folder / "rules.yaml").write_text("rules: []\n")
    (folder / "verifier.txt").write_text("v1\nv2\n")
    path = folder / "connections.yaml"
    path.write_text(text)
    return path


def test_numbers_and_places_are_read(tmp_path: Path) -> None:
    """Ids may be written as numbers; texts and secrets may stand in files beside it or in the environment."""
    file = ConnectionFile(written(tmp_path, GOOD), {"QB_SECRET": "s"})
    quickbooks = file.tenants[0].vendors["quickbooks"]
    assert quickbooks.account == "1185883450"
    assert quickbooks.settings == {"poll_seconds": "60", "sandbox": "true"}
    assert file.text(file.tenants[0].rules) == "rules: []\n"
    assert [file.secret(value) for value in quickbooks.credentials.values()] == ["abc", "s", "v1\nv2"]


@pytest.mark.parametrize("written_", ["0123456", "1.50", "12:30:00", "0x12", "on", "2026-01-31"])
def test_an_id_or_secret_is_what_is_written(tmp_path: Path, written_: str) -> None:
    """YAML would make another number, a truth value or a date of it."""
    text = GOOD.replace("1185883450", written_).replace("client_id: abc", f"client_id: {written_}")
    quickbooks = ConnectionFile(written(tmp_path, text)).tenants[0].vendors["quickbooks"]
    assert (quickbooks.account, quickbooks.credentials["client_id"]) == (written_, written_)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("acme", "Acme!", ":2: tenants[0].tenant: 'Acme!' is no tenant id"),
        ("Europe/Berlin", "Europe/Bonn", ":3: tenants[0].zone: 'Europe/Bonn' is no IANA time zone"),
        ("Europe/Berlin", "localtime", ":3: tenants[0].zone: 'localtime' is no IANA time zone"),
        (
            "https://quick",
            "https://user:pass@quick",
            ":8: tenants[0].vendors.quickbooks.base_url: should be an address",
        ),
        ("https://quick", "quick", ":8: tenants[0].vendors.quickbooks.base_url: should be an address like https://"),
        ("EUR", "EURO", ":4: tenants[0].currency: 'EURO' is no ISO 4217 currency"),
        ("quickbooks:", "quickboks:", ":7: tenants[0].vendors.quickboks: vendor is unknown; use one of pardot"),
        ("base_url", "url", ":7: tenants[0].vendors.quickbooks.base_url: is missing; add it"),
        ("base_url", "url", ":8: tenants[0].vendors.quickbooks.url: is unknown; remove it, or correct its name"),
        ("https://", "ftp://", ":8: tenants[0].vendors.quickbooks.base_url"),
        ("    vendors:", "    mappings: [a]\n    vendors:", ":6: tenants[0].mappings: should be a mapping of keys to"),
        ("{env: QB_SECRET}", "[1]", ":13: tenants[0].vendors.quickbooks.credentials.client_secret: should be a text"),
        ("{env: QB_SECRET}", "{env: A, file: b}", ":13: tenants[0].vendors.quickbooks.credentials.client_secret: give"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_field(tmp_path: Path, old: str, new: str, told: str) -> None:
    """The message says where, what, and what to do."""
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(FatalError) as caught:
        ConnectionFile(path, {})
    assert f"{path}{told}" in str(caught.value)


def test_a_tenant_may_stand_once(tmp_path: Path) -> None:
    """The second one is named, and where the first is."""
    path = written(tmp_path, GOOD + GOOD.removeprefix("tenants:\n"))
    with pytest.raises(FatalError, match=r":15: tenants\[1\]\.tenant: tenant acme stands twice, first as tenants\[0\]"):
        ConnectionFile(path, {})


def test_a_key_may_stand_once(tmp_path: Path) -> None:
    """YAML itself would take the last one silently."""
    path = written(tmp_path, GOOD.replace("currency: EUR", "zone: UTC"))
    with pytest.raises(MappingError, match=r":4: tenants\[0\]\.zone: stands twice"):
        ConnectionFile(path, {})


def test_an_absent_variable_is_named(tmp_path: Path) -> None:
    """The place in the file and the name of the variable, never a value."""
    file = ConnectionFile(written(tmp_path, GOOD), {})
    with pytest.raises(FatalError, match=r"credentials\.client_secret: the environment has no QB_SECRET"):
        file.secret(Elsewhere(env="QB_SECRET"), "tenants", 0, "vendors", "quickbooks", "credentials", "client_secret")


async def test_a_rotated_token_is_not_put_back() -> None:
    """Applying the same file again leaves what the vendor has rotated since; a new value in the file wins."""
    tokens = MemoryTokenStore()
    await _store(tokens, "acme", "quickbooks", {"client_id": "c", "refresh_token": "r1"})
    stored = await tokens.get("acme", "quickbooks")
    assert stored is not None
    rotated = Secret({**stored.values, "refresh_token": "r2", "access_token": "a"})
    assert await tokens.compare_and_set("acme", "quickbooks", rotated, expected_version=1)

    await _store(tokens, "acme", "quickbooks", {"client_id": "c", "refresh_token": "r1"})
    again = await tokens.get("acme", "quickbooks")
    assert again is not None
    assert (again.version, again.values["refresh_token"], again.values["access_token"]) == (2, "r2", "a")

    await _store(tokens, "acme", "quickbooks", {"client_id": "c", "refresh_token": "r3"})
    renewed = await tokens.get("acme", "quickbooks")
    assert renewed is not None
    assert (renewed.values["refresh_token"], "access_token" in renewed.values) == ("r3", False)


async def test_a_new_webhook_secret_keeps_the_access_token() -> None:
    """It has nothing to do with the grant."""
    tokens = MemoryTokenStore()
    await _store(tokens, "acme", "quickbooks", {"refresh_token": "r"})
    stored = await tokens.get("acme", "quickbooks")
    assert stored is not None
    granted = Secret({**stored.values, "access_token": "a"})
    assert await tokens.compare_and_set("acme", "quickbooks", granted, expected_version=1)
    await _store(tokens, "acme", "quickbooks", {"refresh_token": "r", "webhook_secret": "w"})
    after = await tokens.get("acme", "quickbooks")
    assert after is not None
    assert (after.values["access_token"], after.values["webhook_secret"]) == ("a", "w")


FIELDS = GOOD.replace(
    "    vendors:",
    """\
    policies:
      party.website: hold
    custom_fields:
      Tier:
        type: string
        read: {salesforce/Account: Tier__c}
        write:
          quickbooks/Invoice: 2
    vendors:""",
)


FIGURE = """\
      Other: {type: number, read: {salesforce/Account: A}, write: {pardot/Prospect: Due__c}}
    vendors:
      pardot: {base_url: "https://pi.pardot.com", account: "1", settings: {figures.overdue_amount: Due__c}}"""


def test_policies_and_custom_fields_are_read(tmp_path: Path) -> None:
    """A DefinitionId may be written as a number."""
    entry = ConnectionFile(written(tmp_path, FIELDS), {}).tenants[0]
    assert entry.policies == {"party.website": "hold"}
    assert entry.custom_fields["Tier"].write == {"quickbooks/Invoice": "2"}


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("party.website: hold", "party.webside: hold", ":7: tenants[0].policies.party.webside: party has no field"),
        ("party.website: hold", "party: owner:sap", ":7: tenants[0].policies.party: names sap, which is not connected"),
        ("salesforce/Account", "salesforce/Acount", ":11: tenants[0].custom_fields.Tier.read.salesforce/Acount: no"),
        ("party.website: hold", "party.: hold", ":7: tenants[0].policies.party.: party. is nothing that systems say"),
        ("party.website: hold", "party.id: newest", ":7: tenants[0].policies.party.id: party.id is nothing that sys"),
        (
            "party.website: hold",
            "party.custom.Tire: hold",
            ":7: tenants[0].policies.party.custom.Tire: no custom field Tire of party is read; there are: Grade, J",
        ),
        ("type: string", "type: number\n        cut: 3", ":11: tenants[0].custom_fields.Tier.cut: cuts a number to"),
        (
            "    vendors:",
            "      Other: {type: string, read: {salesforce/Account: A}, write: {quickbooks/Invoice: 2}}\n    vendors:",
            ":14: tenants[0].custom_fields.Other.write.quickbooks/Invoice: is 2, where Tier is written; a f",
        ),
        (
            "    vendors:",
            FIGURE,
            ":14: tenants[0].custom_fields.Other.write.pardot/Prospect: is Due__c, where figures.ove",
        ),
        ("quickbooks/Invoice", "stripe/Invoice", ":13: tenants[0].custom_fields.Tier.write.stripe/Invoice: no"),
    ],
)
def test_what_cannot_hold_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    """As everything in the file: file, line and field."""
    path = written(tmp_path, FIELDS.replace(old, new, 1))
    file = ConnectionFile(path, {})
    problems = list(_wrong_texts(file, 0, _connection(file, file.tenants[0], None)))
    assert [problem for problem in problems if f"{path}{told}" in problem], problems


@pytest.mark.parametrize("wrong", ["soon", "-1"])
async def test_settings_that_only_a_worker_reads_are_checked(tmp_path: Path, wrong: str) -> None:
    """Else the connection would be accepted and then never work."""
    file = ConnectionFile(written(tmp_path, GOOD.replace("poll_seconds: 60", f"poll_seconds: {wrong}")), {})
    nobody = SimpleNamespace(tenants=list, account_of=lambda *_: None)
    view = cast("Console", SimpleNamespace(settings=Settings(), directory=nobody))
    connection = _connection(file, file.tenants[0], None)
    (told,) = [line async for line in _problems(view, file, 0, connection, MemoryTokenStore())]
    assert "connections.yaml:7: tenants[0].vendors.quickbooks: tenant acme, quickbooks: setting poll_seconds is" in told


async def test_a_setting_that_nobody_asks_for_is_told(tmp_path: Path) -> None:
    """A slip in its name would else leave the default, unseen."""
    path = written(tmp_path, GOOD.replace("sandbox: true", "sandbox: true, token_url: https://x"))
    file = ConnectionFile(path, {})
    tools = Tools(SystemClock(), MemoryTokenStore(), frozenset({"x"}))
    lines = [line async for line in _without_effect(file, 0, _connection(file, file.tenants[0], None), tools)]
    (told,) = lines
    assert told.startswith(f"{path}:10: tenants[0].vendors.quickbooks.settings.sandbox: has no effect")


def test_own_templates_are_tried_among_the_shipped_ones(tmp_path: Path) -> None:
    """What is wrong only together with others is told before anything is written."""
    text = (Path(connectors.__file__).parent / "salesforce/mapping/account.yaml").read_text()
    own = "    mappings:\n      salesforce/account: {file: account.yaml}\n    vendors:"
    file = ConnectionFile(written(tmp_path, GOOD.replace("    vendors:", own)), {})
    (tmp_path / "account.yaml").write_text(text + "parts: {Opportunity: .}\n")
    assert list(_wrong_texts(file, 0, _connection(file, file.tenants[0], None))) == []
    (tmp_path / "account.yaml").write_text(text + "parts: {Oportunity: .}\n")
    (told,) = _wrong_texts(file, 0, _connection(file, file.tenants[0], None))
    assert "connections.yaml:7: tenants[0].mappings.salesforce/account: salesforce/account.yaml:" in told
    assert "parts.Oportunity: no template reads salesforce/Oportunity" in told
