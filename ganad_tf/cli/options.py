"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from ganad_station.threshold import DEFAULT_FALSE_REJECT_RATE
from ganad_tf.config import DATASET_DEFAULTS, WIDTH_PRESETS, RunConfig, make_config, read_config
from ganad_tf.run import DEFAULT_RUNS, Run
from ganad_tf.system.environment import cores
from ganad_tf.system.jobs import ENGINES

Command = Callable[..., Any]


class Width(click.ParamType):
    """A width of the networks: the name of a preset, or a number."""

    name = "width"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the maps of the first layer."""
        if value in WIDTH_PRESETS:
            return WIDTH_PRESETS[value]
        try:
            return int(value)
        except ValueError:
            names = ", ".join(WIDTH_PRESETS)
            self.fail(f"{value!r} is no width: give {names} or a number", param, ctx)


RATE_HELP = (
    "The threshold rejects at most this fraction of the normal validation images. It is an order "
    "statistic of their scores; calibrate makes a promise about new parts."
)
RATE = click.FloatRange(0, 1, max_open=True)
DEFAULT_RATE = DEFAULT_FALSE_REJECT_RATE

false_reject_rate_option = click.option(
    "--false-reject-rate", type=RATE, default=DEFAULT_RATE, show_default=True, help=RATE_HELP
)
max_drop_option = click.option(
    "--max-drop",
    type=float,
    default=0.005,
    show_default=True,
    help="Largest drop of AUROC against the float model that passes.",
)
runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=DEFAULT_RUNS,
    show_default=True,
    help="Where run folders are.",
)
_PRESETS = ", ".join(f"{name} ({width})" for name, width in WIDTH_PRESETS.items())
SETTING_OPTIONS = (
    click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        help="TOML file with settings; flags win over it.",
    ),
    click.option("--dataset", help=f"{', '.join(DATASET_DEFAULTS)}.  [default: digits]"),
    click.option(
        "--data-dir",
        type=click.Path(resolve_path=True),
        help="Folder with the data, where it is not in a usual place.",
    ),
    click.option(
        "--group-by",
        help="Which pictures show the same part, and go to the same split: near-duplicates, or a "
        "regular expression that finds the part in their names.",
    ),
    click.option(
        "--normal-class",
        type=int,
        help="The class that is normal; the others are anomalies.  [default: 0]",
    ),
    click.option(
        "--anomalies",
        "anomaly_source",
        help="Which ones to train on: labelled, synthetic (drawn onto normal images, for a start "
        "without any defects) or both.  [default: labelled]",
    ),
    click.option("--size", type=int, help="Image size in pixels, a multiple of 16."),
    click.option(
        "--tile",
        type=int,
        help="Train on tiles of so many pixels, those of anomalies at their defects.",
    ),
    click.option(
        "--illumination",
        help="What is evened out of each image, also at the station: as-taken (nothing), "
        "brightness, contrast (both).  [default: as-taken]",
    ),
    click.option("--channels", type=int, help="1 (grey) or 3 (RGB).  [default: as the images]"),
    click.option(
        "--width",
        type=Width(),
        metavar=f"{'|'.join(WIDTH_PRESETS)}|INTEGER",
        help=f"Maps of the first layer: {_PRESETS}, or a number.  [default: nano, the paper's]",
    ),
    click.option("--epochs", type=int, help="Epochs to train."),
    click.option(
        "--batch-size",
        type=int,
        help="Normal images a step, and as many anomalies, on each device.",
    ),
    click.option("--learning-rate", type=float, help="Peak of the learning rate."),
    click.option(
        "--regime", help="joint (both groups of losses each step) or random (one of them)."
    ),
    click.option("--seed", type=int, help="Seed of all that is random.  [default: 0]"),
)
JOB_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default="local",
        show_default=True,
        help="Processes here, or tasks on the Ray cluster of RAY_ADDRESS, else on a local one.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1),
        default=cores,
        help="How many trainings at once.  [default: one a core]",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Threads of each training.",
    ),
)


def setting_options(command: Command) -> Command:
    """Add the options that set what a training depends on; `read_settings` takes them."""
    return _with_options(command, SETTING_OPTIONS)


def job_options(command: Command) -> Command:
    """Add the options that say how independent trainings run side by side."""
    return _with_options(command, JOB_OPTIONS)


def _with_options(command: Command, options: tuple[Command, ...]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def read_settings(config_file: Path | None, flags: dict[str, Any]) -> RunConfig:
    """Return the configuration of a file and of the flags of `setting_options`, which win."""
    train = dict(flags)
    data_keys = (
        *("dataset", "data_dir", "group_by", "normal_class", "anomaly_source"),
        *("size", "tile", "illumination", "channels"),
    )
    data = {key: train.pop(key) for key in data_keys}
    seed, regime = train.pop("seed"), train.pop("regime")
    layers = [read_config(config_file)] if config_file else []
    layer = {"seed": seed, "data": data, "train": train, "loss": {"regime": regime}}
    return make_config(*layers, layer)


def run_options(command: Command) -> Command:
    """Add the options that choose a run."""
    option = click.option(
        "--run",
        "run_folder",
        type=click.Path(path_type=Path),
        help="Run folder.  [default: the newest trained run]",
    )
    return option(runs_option(command))


def find_run(run_folder: Path | None, runs: Path) -> Run:
    """Open the run that was asked for, or the newest trained one."""
    return (
        Run.open(run_folder)
        if run_folder
        else Run.newest(runs, lambda run: run.is_trained, "trained")
    )
