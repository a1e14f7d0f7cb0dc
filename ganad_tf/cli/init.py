"""`ganad-tf init`."""

from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.options import flag_settings, setting_options
from ganad_tf.config.describe import commented_toml
from ganad_tf.errors import UserError
from ganad_tf.system.files import write_text


@click.command("init")
@setting_options
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("config.toml"),
    show_default=True,
    help="File to write; must not exist.",
)
def init_command(out: Path, **flags: Any) -> None:
    """Write a TOML file with every setting, its description and its default.

    The file sets what flags give; all other settings are commented out.
    """
    content = commented_toml(flag_settings(flags))
    if out.exists():
        raise UserError(f"{out} exists: remove it, or choose another --out")
    write_text(out, content)
    click.echo(f"wrote {out}; to train: ganad-tf train --config {out}")
