"""The command line `sluiceway`: one group, one module of `streams.commands` per noun."""

import click

from streams.commands import load


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sluiceway")
def main() -> None:
    """Integration of CRM, marketing, shop and accounting on Kafka."""


for command in load():
    main.add_command(command)
