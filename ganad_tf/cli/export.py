"""`ganad-tf export` and `ganad-tf verify`."""

import sys
from pathlib import Path

import click

from ganad_tf.cli.options import (
    false_reject_rate_option,
    find_run,
    max_drop_option,
    run_options,
)
from ganad_tf.cli.tables import print_verification
from ganad_tf.environment import import_tensorflow_quietly
from ganad_tf.errors import UserError
from ganad_tf.runs import RUN_FILE, Run

NOT_VERIFIED = 3


@click.command("export")
@run_options
@click.option(
    "--int8",
    "precision",
    flag_value="int8",
    default="int8",
    help="Full-integer TFLite after quantization-aware training.  [default]",
)
@click.option(
    "--float16",
    "precision",
    flag_value="float16",
    help="TFLite with float16 weights, for comparison.",
)
@click.option("--float32", "precision", flag_value="float32", help="Float TFLite, for comparison.")
@click.option(
    "--ptq", is_flag=True, help="int8 from calibration alone, without training, for comparison."
)
@max_drop_option
@false_reject_rate_option
def export_command(
    run_folder: Path | None,
    runs: Path,
    precision: str,
    ptq: bool,
    max_drop: float,
    false_reject_rate: float,
) -> None:
    """Export the generator of a run and verify the file; exit code 3 if it fails."""
    if ptq and precision != "int8":
        raise UserError(f"--ptq makes int8: leave out --{precision}")
    run = find_run(run_folder, runs)
    import_tensorflow_quietly()
    from ganad_tf.conversion import Precision
    from ganad_tf.export import Variant, export

    model_path = export(run, Variant(Precision(precision), ptq))
    click.echo(f"wrote {model_path}")
    _verify(model_path, run.folder, max_drop, false_reject_rate)


@click.command("verify")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path),
    help="The run it was exported from.  [default: the one it lies in]",
)
@max_drop_option
@false_reject_rate_option
def verify_command(
    model: Path, run_folder: Path | None, max_drop: float, false_reject_rate: float
) -> None:
    """Verify an exported file against its float model again; exit code 3 if it fails."""
    _verify(model, run_folder or _run_around(model), max_drop, false_reject_rate)


def _run_around(model: Path) -> Path:
    """Return the run folder that a bundle lies in, `<run>/bundles/<variant>/<model>`."""
    run_folder = model.resolve().parent.parent.parent
    if not (run_folder / RUN_FILE).is_file():
        raise UserError(f"{model} lies in no run folder: name its run with --run")
    return run_folder


def _verify(model: Path, run_folder: Path, max_drop: float, false_reject_rate: float) -> None:
    import_tensorflow_quietly()
    from ganad_tf.verification import verify

    verification = verify(model, Run.open(run_folder), max_drop, false_reject_rate)
    print_verification(verification)
    if not verification.is_verified:
        sys.exit(NOT_VERIFIED)
