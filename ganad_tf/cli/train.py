"""`ganad-tf train`."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.options import runs_option
from ganad_tf.cli.tables import print_evaluation
from ganad_tf.config import RunConfig
from ganad_tf.environment import import_tensorflow_quietly
from ganad_tf.errors import UserError
from ganad_tf.runs import Run
from ganad_tf.settings import DATASET_DEFAULTS, make_config, read_config

NEWEST = "newest"


@click.command("train")
@click.option(
    "--config",
    "config_file",
    type=click.Path(path_type=Path),
    help="TOML file with settings; flags win over it.",
)
@click.option("--dataset", help=f"{', '.join(DATASET_DEFAULTS)}.  [default: digits]")
@click.option(
    "--data-dir",
    type=click.Path(resolve_path=True),
    help="Folder with the data, where it is not in a usual place.",
)
@click.option(
    "--normal-class",
    type=int,
    help="The class that is normal; the others are anomalies.  [default: 0]",
)
@click.option("--size", type=int, help="Image size in pixels, a multiple of 16.")
@click.option("--channels", type=int, help="1 (grey) or 3 (RGB).  [default: as the images]")
@click.option("--width", type=int, help="Maps of the first layer.  [default: 8, the paper's]")
@click.option("--epochs", type=int, help="Epochs to train.")
@click.option("--batch-size", type=int, help="Normal images a step, and as many anomalies.")
@click.option("--learning-rate", type=float, help="Peak of the learning rate.")
@click.option("--regime", help="joint (both groups of losses each step) or random (one of them).")
@click.option("--seed", type=int, help="Seed of all that is random.  [default: 0]")
@runs_option
@click.option("--name", help="Name of the run folder.  [default: data set, class and time]")
@click.option(
    "--resume",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[RUN]",
    help="Go on with a stopped run: its folder, or nothing for the newest.",
)
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs into the run folder.")
def train_command(
    config_file: Path | None,
    runs: Path,
    name: str | None,
    resume: str | None,
    tensorboard: bool,
    **flags: Any,
) -> None:
    """Train a detector into a new run folder, and evaluate it on its test split."""
    if resume is None:
        config = _config(config_file, flags)
        run = _start(config, runs / (name or _default_name(config)), tensorboard)
    else:
        _refuse_settings({"config": config_file, "name": name, **flags})
        run = _go_on(_stopped_run(resume, runs), tensorboard)
    from ganad_tf.evaluation import evaluate

    print_evaluation(evaluate(run))


def _start(config: RunConfig, folder: Path, tensorboard: bool) -> Run:
    import_tensorflow_quietly()
    from ganad_tf.training import train

    return train(config, folder, tensorboard)


def _go_on(stopped: Run, tensorboard: bool) -> Run:
    import_tensorflow_quietly()
    from ganad_tf.training import resume

    return resume(stopped, tensorboard)


def _refuse_settings(settings: dict[str, Any]) -> None:
    given = [key.replace("_", "-") for key, value in settings.items() if value is not None]
    if given:
        raise UserError(f"--resume goes on with the run's own settings: leave out --{given[0]}")


def _stopped_run(resume: str, runs: Path) -> Run:
    if resume == NEWEST:
        return Run.newest(runs, lambda run: not run.is_evaluated, "unfinished")
    run = Run.open(Path(resume))
    if run.is_evaluated:
        raise UserError(
            f"{run.folder} is trained to its end, there is nothing to resume: "
            f"ganad-tf evaluate --run {run.folder}"
        )
    return run


def _config(config_file: Path | None, flags: dict[str, Any]) -> RunConfig:
    sections: dict[str, dict[str, Any]] = {
        "data": {},
        "train": {},
        "loss": {"regime": flags.pop("regime")},
    }
    for key in ("dataset", "data_dir", "normal_class", "size", "channels"):
        sections["data"][key] = flags.pop(key)
    seed = flags.pop("seed")
    sections["train"] = flags
    layers = [read_config(config_file)] if config_file else []
    return make_config(*layers, {"seed": seed, **sections})


def _default_name(config: RunConfig) -> str:
    data = config.data
    what = data.dataset if data.dataset == "folder" else f"{data.dataset}-{data.normal_class}"
    return f"{what}-{datetime.now():%Y%m%d-%H%M%S}"
