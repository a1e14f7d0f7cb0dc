"""`ganad-tf export` and `ganad-tf verify`."""

import sys
from pathlib import Path

import click

from ganad_station.exit_codes import NOT_VERIFIED, UNDECIDED
from ganad_station.threshold import describe_threshold
from ganad_station.verification import Outcome, worst
from ganad_tf.cli.options import find_run, max_drop_option, run_options
from ganad_tf.cli.tables import print_verifications
from ganad_tf.errors import UserError, station_errors_as_user_errors
from ganad_tf.exporting.variants import recipes_for
from ganad_tf.run import RUN_FILE, Run
from ganad_tf.system.environment import import_tensorflow_quietly
from ganad_tf.targets.profile import TARGETS
from ganad_tf.targets.recipe import Precision, Variant

CHANCE = 0.5
"""The AUROC of scores that tell nothing."""


def _refuse_rate(_context: click.Context, _parameter: click.Parameter, rate: str | None) -> None:
    if rate is not None:
        raise UserError(
            "evaluate sets the threshold of a run, for export and verify, too: leave out "
            f"--false-reject-rate here, and run ganad-tf evaluate --false-reject-rate {rate} first"
        )


accept_undecided_option = click.option(
    "--accept-undecided",
    is_flag=True,
    help="Exit with code 0, not 4, where the test pictures are too few to tell.",
)
refused_rate_option = click.option(
    "--false-reject-rate", callback=_refuse_rate, expose_value=False, hidden=True
)


@click.command("export")
@run_options
@click.option(
    "--target",
    "targets",
    multiple=True,
    default=("cpu",),
    show_default=True,
    help=f"Station to export for, several times for several: {', '.join(TARGETS)}.",
)
@click.option(
    "--int8",
    "precision",
    flag_value="int8",
    default="int8",
    help="Integers after quantization-aware training.  [default]",
)
@click.option(
    "--float16", "precision", flag_value="float16", help="float16 weights, for comparison."
)
@click.option("--float32", "precision", flag_value="float32", help="Float, for comparison.")
@click.option(
    "--ptq", is_flag=True, help="int8 from calibration alone, without training, for comparison."
)
@click.option(
    "--io",
    "io_type",
    type=click.Choice(["int8", "uint8"]),
    default="int8",
    show_default=True,
    help="Input and output of int8 TFLite files.",
)
@max_drop_option
@accept_undecided_option
@refused_rate_option
def export_command(
    run_folder: Path | None,
    runs: Path,
    targets: tuple[str, ...],
    precision: str,
    ptq: bool,
    io_type: str,
    max_drop: float,
    accept_undecided: bool,
) -> None:
    """Export a run as one bundle per target and verify each file.

    The exit code is 3 if one fails, and 4 if the test pictures are too few to tell. Each file gets
    a threshold of its own, with the promise of that of the run.
    """
    if ptq and precision != "int8":
        raise UserError(f"--ptq makes int8: leave out --{precision}")
    variant = Variant(Precision(precision), ptq)
    for target in targets:
        recipes = recipes_for(target, variant)
        if io_type == "uint8" and not any(recipe.has_io_type for recipe in recipes):
            raise UserError(f"--io is for int8 TFLite files, {target} has none: leave it out")
    run = find_run(run_folder, runs)
    _warn_of_chance(run)
    import_tensorflow_quietly()
    from ganad_tf.exporting.export import export
    from ganad_tf.exporting.tflite.conversion import IoType

    paths = export(run, list(dict.fromkeys(targets)), variant, IoType(io_type))
    for folder in dict.fromkeys(path.parent for path in paths):
        click.echo(f"wrote {folder}")
    _verify(paths, run, max_drop, accept_undecided)


@click.command("verify")
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--run",
    "run_folder",
    type=click.Path(path_type=Path),
    help="The run that the file was exported from.  [default: the run that contains it]",
)
@max_drop_option
@accept_undecided_option
@refused_rate_option
def verify_command(
    model: Path, run_folder: Path | None, max_drop: float, accept_undecided: bool
) -> None:
    """Verify an exported file against its float model again.

    The exit code is 3 if it fails, and 4 if the test pictures are too few to tell.
    """
    run = Run.open(run_folder or _run_around(model))
    _warn_of_chance(run)
    click.echo(f"threshold of the float model: {describe_threshold(run.threshold)}")
    _verify([model], run, max_drop, accept_undecided)


def _warn_of_chance(run: Run) -> None:
    """Warn if the float model is no better than chance: a file that decides like it is useless."""
    if run.is_evaluated:
        with station_errors_as_user_errors():
            low = run.read_metrics().fields("auroc").number("low", 0, 1)
        if low <= CHANCE:
            click.echo(
                f"warning: {run.folder} may be no better than chance, its AUROC may be as low as "
                f"{low:.3f}: a file that decides like it is verified all the same"
            )


def _run_around(model: Path) -> Path:
    """Return the run folder around a bundle, `<run>/bundles/<bundle>/<model>`."""
    run_folder = model.resolve().parent.parent.parent
    if not (run_folder / RUN_FILE).is_file():
        raise UserError(f"{model} is in no run folder: name its run with --run")
    return run_folder


def _verify(models: list[Path], run: Run, max_drop: float, accept_undecided: bool) -> None:
    import_tensorflow_quietly()
    from ganad_tf.exporting.verify import verify

    verifications = verify(models, run, max_drop)
    print_verifications(models, verifications)
    outcome = worst(verification.outcome for verification in verifications)
    if outcome is Outcome.FAILED:
        sys.exit(NOT_VERIFIED)
    if outcome is Outcome.UNDECIDED and not accept_undecided:
        sys.exit(UNDECIDED)
