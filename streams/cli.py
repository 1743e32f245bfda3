"""The command line `sluiceway`: one group, one module of `streams.commands` per noun."""

import os
from pathlib import Path

import click

from streams.commands.environment import read_env_file, refuse_unknown
from streams.commands.failures import Commands


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="sluiceway")
@click.option(
    "--env-file",
    type=click.Path(path_type=Path),
    help="Settings as NAME=value lines; what the environment has already wins.",
)
def main(env_file: Path | None) -> None:
    """Integration of CRM, marketing, shop and accounting on Kafka."""
    if env_file is not None:
        read_env_file(env_file)
    refuse_unknown(os.environ)


if __name__ == "__main__":
    main()
