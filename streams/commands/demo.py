"""`sluiceway demo`: the main job, end to end, on this machine."""

import os
import shutil
import subprocess
import sys
import time

import click

from connectors.errors import FatalError
from streams.local.state import StateFile
from streams.settings import Settings

PARTITIONS = 4
TENANT = "acme"


@click.command()
@click.option("--keep", is_flag=True, help="Leave everything running to look around.")
def demo(*, keep: bool) -> None:
    """Lead to invoice: start everything, sell, bill, get paid, check every amount. Exit code 1 on any difference."""
    began = time.monotonic()
    settings = Settings()
    folder = settings.data_dir / "demo"
    env = os.environ | {"SLUICEWAY_DATA_DIR": str(folder), "SLUICEWAY_KAFKA__PARTITIONS": str(PARTITIONS)}
    if StateFile(folder).held():
        raise FatalError(f"a demo is still running; end it with `SLUICEWAY_DATA_DIR={folder} sluiceway down`")
    shutil.rmtree(folder, ignore_errors=True)
    differences = ["nothing was told"]
    try:
        click.echo("Starting Kafka, registry, sandboxes and roles ...")
        if _sluiceway(env, "up", "--detach"):
            sys.exit(1)
        differences = _tell(settings.model_copy(update={"data_dir": folder}), env)
    finally:
        if keep:
            click.echo(f"\nAll of it keeps running. End it with: SLUICEWAY_DATA_DIR={folder} sluiceway down")
        else:
            _sluiceway(env, "down", quiet=True)
    for difference in differences:
        click.echo(f"DIFFERENT: {difference}", err=True)
    click.echo(f"\n{'FAILED' if differences else 'Everything is as it must be'} after {time.monotonic() - began:.0f} s")
    sys.exit(1 if differences else 0)


def _tell(settings: Settings, env: dict[str, str]) -> list[str]:
    """Run the story; return what was different."""
    try:
        from streams.demo.company import Company, write_connections  # noqa: PLC0415  needs the extra `demo`
        from streams.demo.story import DemoError, Person, Story  # noqa: PLC0415  likewise
    except ModuleNotFoundError as error:
        raise FatalError(f"{error.name} is missing: the demo needs `pip install sluiceway[demo]`") from error
    from streams.demo.addresses import Addresses  # noqa: PLC0415  with its siblings

    at = Addresses.of(settings)
    company = Company.found(TENANT, at)
    file = settings.data_dir / "connections.yaml"
    write_connections(file, company)
    told = ["--env-file", str(settings.data_dir / "env"), "connections", "apply", str(file)]
    click.echo(f"\nConnecting the company: sluiceway {' '.join(told)}")
    if _sluiceway(env, *told):
        return ["the connections could not be applied"]
    click.echo()
    os.environ["REQUESTS_CA_BUNDLE"] = company.credentials["quickbooks"]["ca_file"]
    story = Story(company, Person("Ada", "Lane", "ada.lane@lane-robotics.example", "Lane Robotics"), _step)
    try:
        story.run()
    except DemoError as error:
        return [str(error), *story.differences]
    return [*story.differences, *_broken(at.kafka)]


def _broken(servers: str) -> list[str]:
    """Send a broken record and show where it went."""
    from streams.demo import broken  # noqa: PLC0415  with its siblings

    value = broken.send(servers, TENANT, PARTITIONS)
    _step("Kafka        a broken record enters the inbox")
    headers = broken.find(servers, TENANT, PARTITIONS, value)
    if headers is None:
        return ["the broken record did not reach the DLQ"]
    _step("Kafka        it is in dlq.v1 with its bytes, and these headers say why:")
    for name, text in sorted(headers.items()):
        click.echo(f"               {name}: {text}")
    return [] if headers["__connect.errors.topic"] == "inbox.v1" else [f"the dead letter names {headers}"]


def _step(text: str) -> None:
    click.echo(f"  {text}")
    sys.stdout.flush()


def _sluiceway(env: dict[str, str], *argv: str, quiet: bool = False) -> int:
    output = subprocess.DEVNULL if quiet else None
    command = [sys.executable, "-m", "streams.cli", *argv]
    return subprocess.run(command, env=env, stdout=output, stderr=output, check=False).returncode  # noqa: S603  our own


COMMANDS = (demo,)
