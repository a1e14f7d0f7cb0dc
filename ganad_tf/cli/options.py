"""Options that several commands share."""

import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from ganad_station.commands.calibrate import CONFIDENCE_HELP, RATE_HELP
from ganad_station.sizes import ImageSize
from ganad_station.threshold import DEFAULT_CONFIDENCE, DEFAULT_FALSE_REJECT_RATE
from ganad_tf.config import DATASET_DEFAULTS, WIDTH_PRESETS, RunConfig, make_config, read_config
from ganad_tf.config.defaults import DEFAULT_MAX_DROP
from ganad_tf.config.describe import describe_default
from ganad_tf.config.run_config import SETTINGS
from ganad_tf.config.section import Setting
from ganad_tf.run import DEFAULT_RUNS, Run
from ganad_tf.system.environment import cores
from ganad_tf.system.jobs import ENGINES

Command = Callable[..., Any]


class Width(click.ParamType):
    """A width of the networks: the name of a preset or a number."""

    name = "width"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number of feature maps of the first layer."""
        if value in WIDTH_PRESETS:
            return WIDTH_PRESETS[value]
        try:
            return int(value)
        except ValueError:
            names = ", ".join(WIDTH_PRESETS)
            self.fail(f"{value!r} is not a width: give {names} or a number", param, ctx)


class Size(click.ParamType):
    """A size of images: one number for squares, or height and width."""

    name = "size"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> ImageSize:
        """Return one number, or height and width."""
        found = re.fullmatch(r"(\d+)(?:x(\d+))?", str(value))
        if found is None:
            self.fail(f"{value!r} is not a size: give 256, or HEIGHTxWIDTH as 512x1280", param, ctx)
        height, width = found.groups()
        return int(height) if width is None else (int(height), int(width))


max_drop_option = click.option(
    "--max-drop",
    type=float,
    default=DEFAULT_MAX_DROP,
    show_default=True,
    help="Largest drop in AUROC against the float model that passes verification.",
)
FRACTION = click.FloatRange(0, 1, min_open=True, max_open=True)
runs_option = click.option(
    "--runs",
    type=click.Path(path_type=Path),
    default=DEFAULT_RUNS,
    show_default=True,
    help="Folder of the run folders.",
)
config_option = click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="TOML file with settings; flags win over it.",
)
SETTING_FLAGS = {
    "dataset": "data.dataset",
    "data-dir": "data.data_dir",
    "group-by": "data.group_by",
    "normal-class": "data.normal_class",
    "protocol": "data.protocol",
    "anomalies": "data.anomaly_source",
    "size": "data.size",
    "fit": "data.fit",
    "tile": "data.tile",
    "illumination": "data.illumination",
    "channels": "data.channels",
    "levels": "data.levels",
    "width": "train.width",
    "epochs": "train.epochs",
    "batch-size": "train.batch_size",
    "learning-rate": "train.learning_rate",
    "flip": "train.flip",
    "regime": "loss.regime",
    "seed": "seed",
}
"""Settings that have a flag, by its name; all others are set in a TOML file."""


JOB_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(ENGINES),
        default="local",
        show_default=True,
        help="Run trainings as local processes or as Ray tasks, on the cluster of RAY_ADDRESS if "
        "it is set, else on this machine.",
    ),
    click.option(
        "--workers",
        type=click.IntRange(1),
        default=cores,
        help="Number of trainings that run at once.  [default: one per core]",
    ),
    click.option(
        "--threads",
        type=click.IntRange(1),
        default=1,
        show_default=True,
        help="Number of threads of each training.",
    ),
)


def setting_options(command: Command) -> Command:
    """Add a flag for each of `SETTING_FLAGS`; `flag_settings` takes their values."""
    options = [_setting_option(flag, SETTINGS[path]) for flag, path in SETTING_FLAGS.items()]
    return _with_options(command, options)


def _setting_option(flag: str, setting: Setting) -> Command:
    kind: Any = setting.value_type
    metavar = "|".join(setting.choices) or None
    if setting.name == "dataset":
        metavar = "|".join(DATASET_DEFAULTS)
    elif setting.name == "data_dir":
        kind = click.Path(resolve_path=True)
    elif setting.name == "size":
        kind, metavar = Size(), "INTEGER|HEIGHTxWIDTH"
    elif setting.name == "width":
        kind, metavar = Width(), f"{'|'.join(WIDTH_PRESETS)}|INTEGER"
    text = setting.description.replace("`", "")
    if setting.default is not None:
        text += f"  [default: {describe_default(setting)}]"
    if kind is bool:
        return click.option(f"--{flag}/--no-{flag}", default=None, help=text)
    return click.option(f"--{flag}", type=kind, metavar=metavar, help=text)


def flag_settings(flags: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of the flags of `setting_options` as a layer for `make_config`."""
    layer: dict[str, Any] = {}
    for flag, path in SETTING_FLAGS.items():
        section = SETTINGS[path].section
        place = layer.setdefault(section, {}) if section else layer
        place[SETTINGS[path].name] = flags[flag.replace("-", "_")]
    return layer


def read_settings(config_file: Path | None, flags: Mapping[str, Any]) -> RunConfig:
    """Return the configuration of a file and of the flags of `setting_options`, which win."""
    layers = [read_config(config_file)] if config_file else []
    return make_config(*layers, flag_settings(flags))


def job_options(command: Command) -> Command:
    """Add the options that say how independent trainings run side by side."""
    return _with_options(command, JOB_OPTIONS)


def _with_options(command: Command, options: Sequence[Command]) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def promise_options(command: Command) -> Command:
    """Add `--false-reject-rate` and `--confidence`, what a threshold is to promise."""
    for name, default, help_text in (
        ("confidence", DEFAULT_CONFIDENCE, CONFIDENCE_HELP),
        ("false-reject-rate", DEFAULT_FALSE_REJECT_RATE, RATE_HELP),
    ):
        sentence = f"{help_text[0].upper()}{help_text[1:]}."
        option = click.option(
            f"--{name}", type=FRACTION, default=default, show_default=True, help=sentence
        )
        command = option(command)
    return command


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
