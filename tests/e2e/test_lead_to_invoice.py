"""The main job while processes die: three companies at once, each billed and paid exactly once."""

import json
import random
import subprocess
import sys
import threading
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from streams.demo.company import Company, write_connections
from streams.demo.story import TOTAL, Person, Story
from tests.e2e.conftest import Running

TENANTS = ("anvil", "birch", "cedar")
KILLS = ("connect", "transform", "connect", "transform")
PATIENCE_SECONDS = 150.0
EXAMPLE = Path(__file__).parents[2] / "deploy" / "examples" / "consumer.py"

pytestmark = pytest.mark.timeout(600)  # the first test waits for all stories, kills included


@pytest.fixture(scope="module")
def companies(stack: Running) -> list[Company]:
    """Three connected companies."""
    found = [Company.found(tenant, stack.addresses) for tenant in TENANTS]
    file = stack.addresses.data_dir / "connections.yaml"
    write_connections(file, *found)
    applied = stack.sluiceway("connections", "apply", str(file))
    assert applied.returncode == 0, applied.stderr
    return found


@pytest.fixture(scope="module")
def stories(stack: Running, companies: list[Company]) -> list[Story]:
    """Every company's story, told at once while each application is killed twice."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("REQUESTS_CA_BUNDLE", companies[0].credentials["quickbooks"]["ca_file"])
        told = [Story(company, _buyer(company.tenant), lambda _: None, PATIENCE_SECONDS) for company in companies]
        errors: list[BaseException] = []
        threads = [threading.Thread(target=_tell, args=(story, errors)) for story in told]
        for thread in threads:
            thread.start()
        _kill(stack, threads)
        for thread in threads:
            thread.join()
    assert not errors, [*map(repr, errors), _logs(stack)]
    return told


def _buyer(tenant: str) -> Person:
    return Person("Ada", "Lane", f"ada@{tenant}.example", f"{tenant.capitalize()} Works")


def _tell(story: Story, errors: list[BaseException]) -> None:
    try:
        story.run()
    except BaseException as error:  # noqa: BLE001  whatever it was, the test tells
        errors.append(error)


def _kill(stack: Running, threads: list[threading.Thread]) -> None:
    """Kill in turn, at moments that differ from run to run but end with the seed."""
    dice = random.Random(7)  # noqa: S311  not for secrets
    for role in KILLS:
        for thread in threads:
            thread.join(dice.uniform(0.5, 1.5))
        stack.kill(role)
        deadline = time.monotonic() + 60
        while not (again := stack.status()[role])["ready"] and time.monotonic() < deadline:
            threads[0].join(0.5)
        assert again["ready"], _logs(stack)


def _logs(stack: Running) -> str:
    logs = stack.addresses.data_dir / "logs"
    return "\n".join((logs / f"{role}.log").read_text()[-3000:] for role in ("transform", "connect", "gateway"))


def _records(stack: Running, vendor: str, kind: str, tenant: str) -> list[dict[str, Any]]:
    url = f"{getattr(stack.addresses, vendor)}/__sandbox/records/{kind}"
    return list(httpx.get(url, params={"account": tenant}).json()["records"])


def test_every_amount_and_reference_is_right(stories: list[Story]) -> None:
    """Invoice, write-back, payment and customer 360 are as the deal says, for every company."""
    assert {story.company.tenant: story.differences for story in stories} == {tenant: [] for tenant in TENANTS}


def test_one_customer_and_one_invoice_each(stack: Running, stories: list[Story]) -> None:
    """However often a worker died, QuickBooks has one customer, one invoice of the right total and one payment."""
    for story in stories:
        tenant = story.company.tenant
        customers = _records(stack, "quickbooks", "Customer", tenant)
        invoices = _records(stack, "quickbooks", "Invoice", tenant)
        assert [customer["DisplayName"] for customer in customers] == [story.buyer.company]
        assert [Decimal(str(invoice["TotalAmt"])) for invoice in invoices] == [TOTAL]
        assert [invoice["CustomerRef"]["value"] for invoice in invoices] == [customers[0]["Id"]]
        assert len(_records(stack, "quickbooks", "Payment", tenant)) == 1
        assert len(_records(stack, "pardot", "prospects", tenant)) == 1


def test_nothing_is_dead_lettered(stack: Running, stories: list[Story]) -> None:
    """Deaths of workers are no fault of any record."""
    assert stories
    listed = stack.sluiceway("dlq", "list")
    assert listed.stdout.strip() == "no dead letters", listed.stdout + listed.stderr


def test_the_applications_were_killed(stack: Running, stories: list[Story]) -> None:
    """Each application was started anew at least twice; Kafka, registry, gateway and sandboxes never."""
    assert stories
    restarts = {name: service["restarts"] for name, service in stack.status().items()}
    assert restarts["transform"] >= 2
    assert restarts["connect"] >= 2
    assert {restarts[name] for name in ("kafka", "registry", "gateway", "sandbox")} == {0}


def test_a_foreign_consumer_reads_the_party(stack: Running, stories: list[Story]) -> None:
    """The consumer example, with confluent-kafka's own deserialiser and none of our code, follows party and figures."""
    wanted = {story.buyer.company: TOTAL for story in stories}
    worth: dict[str, Decimal] = {}
    deadline = time.monotonic() + 60
    while worth != wanted and time.monotonic() < deadline:
        worth = {
            record["name"]: Decimal(record["finance"]["lifetime_value"])
            for record in _follow(stack)
            if record["finance"]
        }
    assert worth == wanted


def _follow(stack: Running) -> list[dict[str, Any]]:
    """Run the example to the end of the topic; return the latest record of each party."""
    addresses = ["--kafka", stack.addresses.kafka, "--registry", stack.addresses.registry]
    command = [sys.executable, str(EXAMPLE), *addresses, "--group", f"somebody-{time.monotonic_ns()}", "--once"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr
    latest = {line["id"]: line["record"] for line in map(json.loads, done.stdout.splitlines())}
    return [record for record in latest.values() if record is not None]


def test_rules_are_tried_on_the_orders_there_are(stack: Running, stories: list[Story], tmp_path: Path) -> None:
    """What a new rule would change is shown order by order, and nothing is written."""
    assert stories
    file = tmp_path / "rules.yaml"
    file.write_text("rules: [{name: memo, when: order.total > 0.0, then: {memo: Thank you}}]")
    for _ in range(2):
        tried = stack.sluiceway("rules", "test", str(file), "--tenant", TENANTS[0])
        assert tried.returncode == 0, tried.stderr
        assert 'memo: null → "Thank you"' in tried.stdout
        assert tried.stdout.endswith("1 won orders tried; nothing was written\n")


def test_logs_hold_no_secrets(stack: Running, stories: list[Story], companies: list[Company]) -> None:
    """No token, client secret or webhook secret of any company stands in a log."""
    assert stories
    logs = "".join(path.read_text() for path in Path(stack.addresses.data_dir / "logs").glob("*.log"))
    secret = ("access_token", "refresh_token", "client_secret", "webhook_secret")
    values = [
        given[name]
        for company in companies
        for given in company.credentials.values()
        for name in secret
        if name in given
    ]
    assert values
    assert [value for value in values if value in logs] == []
