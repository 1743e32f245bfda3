"""Custom fields against what vendors describe: the real command line, Kafka, and sandboxes over HTTP."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from connectors.sandbox.server import Sandboxes, serve
from tests.integration.kafka.conftest import sluiceway

IDENTITY = {"salesforce": "org_id", "pardot": "business_unit_id", "quickbooks": "realm"}
FILE = """\
tenants:
  - tenant: {tenant}
    zone: America/New_York
    currency: USD
    custom_fields:
      Code:
        type: string
        cut: 31
        read: {{salesforce/Opportunity: Project_Code__c}}
        write: {{quickbooks/Invoice: 2}}
      Plan:
        type: string
        read: {{pardot/Prospect: Own_Plan__c}}
    vendors:
{vendors}"""
VENDOR = """      {name}:
        base_url: {url}
        account: "{account}"
        settings: {{token_url: "{token_url}"}}
        credentials: {{client_id: {client_id}, client_secret: {client_secret}, refresh_token: {refresh_token}}}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Sandboxes]:
    """The three vendors that describe custom fields."""
    served = await serve(list(IDENTITY), tmp_path_factory.mktemp("sandbox"), dict.fromkeys(IDENTITY, 0))
    yield served
    await served.aclose()


class Company:
    """One at all three vendors, its file, and the command line."""

    def __init__(self, name: str, served: Sandboxes, environ: Mapping[str, str], path: Path) -> None:
        self.name = name
        self.path = path
        self._environ = {**environ, "SLUICEWAY_ALLOW_HOSTS": f'["{served.host}"]'}
        self._served = served
        self.text = ""

    async def credentials(self, vendor: str) -> dict[str, Any]:
        """Return what the vendor's administrator hands out."""
        async with httpx.AsyncClient(base_url=self._served.url(vendor), trust_env=False) as admin:
            answer = await admin.get("/__sandbox/credentials", params={"account": self.name})
        return {**answer.raise_for_status().json(), "url": self._served.url(vendor)}

    async def describe(self) -> None:
        """Write the file that connects it."""
        entries = []
        for vendor, key in IDENTITY.items():
            given = await self.credentials(vendor)
            entries.append(VENDOR.format_map({**given, "name": vendor, "account": given[key]}))
        self.text = FILE.format(tenant=self.name, vendors="".join(entries))

    async def pardot(self, method: str, path: str, **body: str) -> Any:
        """Send a call of Pardot's administrator."""
        given = await self.credentials("pardot")
        headers = {
            "Authorization": f"Bearer {given['access_token']}", "Pardot-Business-Unit-Id": given["business_unit_id"],
        }  # fmt: skip
        async with httpx.AsyncClient(base_url=given["url"], headers=headers, trust_env=False) as http:
            answer = await http.request(method, f"/api/v5/objects/custom-fields{path}", json=body or None)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def apply(self, old: str = "", new: str = "") -> tuple[int, str]:
        """Apply the file, with one text replaced by another."""
        assert old in self.text
        self.path.write_text(self.text.replace(old, new, 1))
        return await self.say("connections", "apply", str(self.path))

    async def say(self, *words: str) -> tuple[int, str]:
        """Run a command; return its exit code and all it said."""
        done = await sluiceway(self._environ, *words)
        return done.exit_code, f"{done.output}{done.exception or ''}"


@pytest_asyncio.fixture(loop_scope="module")
async def company(environ: dict[str, str], sandboxes: Sandboxes, tmp_path: Path) -> Company:
    """A company with a custom field of its own in Pardot."""
    made = Company(tmp_path.name.replace("_", "-")[:40].strip("-"), sandboxes, environ, tmp_path / "connections.yaml")
    await made.describe()
    await made.pardot("POST", "?fields=id", name="Own Plan", fieldId="Own_Plan__c", type="Text")
    return made


@pytest.mark.asyncio(loop_scope="module")
async def test_fields_that_fit_are_connected_and_shown(company: Company) -> None:
    """`apply` connects, `mapping check` agrees, `fields` shows what there is; what goes later is found."""
    code, said = await company.apply()
    assert (code, "not compared" in said) == (0, False), said
    assert await company.say("mapping", "check", "--tenant", company.name) == (
        0,
        f"2 custom fields of {company.name}, 0 problems\n",
    )
    for vendor, line in (
        ("salesforce", "Opportunity  Project_Code__c  string(255)"),
        ("pardot", "Prospect  Own_Plan__c  string"),
        ("quickbooks", "Invoice  2  string(31)  Source"),
    ):
        code, said = await company.say("mapping", "fields", company.name, vendor)
        assert code == 0, said
        assert line in said
    (gone,) = [
        row["id"]
        for row in (await company.pardot("GET", "?fields=id,fieldId"))["values"]
        if row["fieldId"] == "Own_Plan__c"
    ]
    await company.pardot("DELETE", f"/{gone}")
    code, said = await company.say("mapping", "check", "--tenant", company.name)
    assert code == 1
    assert f"{company.name}: custom_fields.Plan.read.pardot/Prospect: Prospect has no field Own_Plan__c" in said


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(
    ("old", "new", "line", "told"),
    [
        (
            "Project_Code__c",
            "Project_Cod__c",
            9,
            "read.salesforce/Opportunity: Opportunity has no field Project_Cod__c",
        ),
        ("Own_Plan__c", "Own_Plan", 13, "read.pardot/Prospect: Prospect has no field Own_Plan"),
        ("Invoice: 2", "Invoice: 4", 10, "write.quickbooks/Invoice: Invoice has no field 4"),
        ("cut: 31", "cut: 40", 10, "write.quickbooks/Invoice: is 2, which takes 31 characters, but up to 40 may come"),
    ],
)
async def test_a_field_that_a_vendor_does_not_have_connects_nothing(
    company: Company, old: str, new: str, line: int, told: str
) -> None:
    """File, line and field are named: unknown to CRM or marketing, more or longer ones than the accounts' plan has."""
    code, said = await company.apply(old, new)
    assert code != 0
    assert f"{company.path}:{line}: tenants[0].custom_fields." in said
    assert told in said
    code, said = await company.say("mapping", "check", "--tenant", company.name)
    assert company.name in said
    assert code != 0
