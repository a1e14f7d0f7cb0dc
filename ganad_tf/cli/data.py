"""`ganad-tf data`."""

import dataclasses
import os
import sys
from pathlib import Path

import click
import tomli_w

from ganad_tf.cli.tables import print_data_facts
from ganad_tf.errors import UserError
from ganad_tf.system.files import write_json, write_text

EVERY = 25
"""Pictures between two updates of the progress."""


@click.group("data")
def data_group() -> None:
    """Check pictures before training on them."""


@data_group.command("check")
@click.argument("place", metavar="FOLDER|LIST.csv", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("data-check"),
    show_default=True,
    help="Folder to write check.json, pictures.png and config.toml to.",
)
def check_data_command(place: Path, out: Path) -> None:
    """Report on the pictures of a folder or list, and propose a configuration.

    The report covers counts and sizes, files that cannot be read, masks that do not fit, imbalance
    between kinds, exposure, and parts that several pictures show.
    """
    from ganad_tf.data_check.advice import advise, propose
    from ganad_tf.data_check.check import check_data
    from ganad_tf.data_check.sheet import plot_pictures

    place = Path(os.path.abspath(place))  # noqa: PTH100 (resolve() fails on a loop of links)
    if place.is_dir() and out.resolve().is_relative_to(place.resolve()):
        raise UserError(f"{out} lies in the folder that is checked: name another with --out")
    out.mkdir(parents=True, exist_ok=True)
    facts, readable = check_data(place, _progress)
    warnings, proposal = advise(facts), propose(facts)
    content = {**dataclasses.asdict(facts), "warnings": warnings, "proposal": proposal}
    write_json(out / "check.json", content)
    write_text(out / "config.toml", tomli_w.dumps(proposal))
    print_data_facts(facts, warnings)
    (out / "pictures.png").unlink(missing_ok=True)
    plot_pictures(readable, out / "pictures.png")
    click.echo(f"{', '.join(sorted(path.name for path in out.iterdir()))} are in {out}; to train:")
    click.echo(f"  ganad-tf train --config {out / 'config.toml'}")


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty() and (done % EVERY == 0 or done == total):
        click.echo(f"\r{done} of {total} pictures", err=True, nl=done == total)
