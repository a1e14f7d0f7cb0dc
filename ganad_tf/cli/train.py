"""`ganad-tf train`."""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.options import config_option, read_settings, runs_option, setting_options
from ganad_tf.cli.tables import print_evaluation
from ganad_tf.config import RunConfig
from ganad_tf.config.defaults import FOLDER
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from ganad_tf.system.environment import import_tensorflow_quietly

NEWEST = "newest"


@click.command("train")
@config_option
@setting_options
@runs_option
@click.option("--name", help="Name of the run folder.  [default: data set, class and time]")
@click.option(
    "--resume",
    is_flag=False,
    flag_value=NEWEST,
    metavar="[RUN]",
    help="Resume a stopped run: the given run folder, or the newest one that is not finished.",
)
@click.option(
    "--strategy",
    type=click.Choice(("mirrored", "multiworker")),
    help="Train on all GPUs of this machine (mirrored) or of all machines in TF_CONFIG, each of "
    "which runs this command (multiworker). --batch-size applies to each device.",
)
@click.option("--tensorboard", is_flag=True, help="Write TensorBoard logs into the run folder.")
def train_command(
    config_file: Path | None,
    runs: Path,
    name: str | None,
    resume: str | None,
    strategy: str | None,
    tensorboard: bool,
    **flags: Any,
) -> None:
    """Train a detector into a new run folder and evaluate it on its test split."""
    if resume is None:
        config = read_settings(config_file, flags)
        _start(config, runs / (name or _default_name(config)), tensorboard, strategy)
    else:
        _refuse_settings({"config": config_file, "name": name, **flags})
        _resume(_stopped_run(resume, runs), tensorboard, strategy)


def _start(config: RunConfig, folder: Path, tensorboard: bool, strategy_name: str | None) -> None:
    import_tensorflow_quietly()
    from ganad_tf.training.distribution import make_strategy
    from ganad_tf.training.train import train

    strategy = make_strategy(strategy_name)
    _evaluate(train(config, folder, tensorboard, strategy), strategy)


def _resume(stopped: Run, tensorboard: bool, strategy_name: str | None) -> None:
    import_tensorflow_quietly()
    from ganad_tf.training.distribution import make_strategy
    from ganad_tf.training.train import resume

    strategy = make_strategy(strategy_name)
    _evaluate(resume(stopped, tensorboard, strategy), strategy)


def _evaluate(run: Run, strategy: Any) -> None:
    from ganad_tf.evaluation.evaluate import evaluate
    from ganad_tf.training.distribution import is_chief

    if is_chief(strategy):
        print_evaluation(evaluate(run))


def _refuse_settings(settings: dict[str, Any]) -> None:
    given = [key.replace("_", "-") for key, value in settings.items() if value is not None]
    if given:
        raise UserError(f"--resume uses the settings of the run: leave out --{given[0]}")


def _stopped_run(resume: str, runs: Path) -> Run:
    if resume == NEWEST:
        return Run.newest(runs, lambda run: not run.is_evaluated, "unfinished")
    run = Run.open(Path(resume))
    if run.is_evaluated:
        raise UserError(
            f"{run.folder} is finished, there is nothing to resume; to evaluate it: "
            f"ganad-tf evaluate --run {run.folder}"
        )
    return run


def _default_name(config: RunConfig) -> str:
    data = config.data
    name = data.dataset if data.dataset == FOLDER else f"{data.dataset}-{data.normal_class}"
    return f"{name}-{datetime.now():%Y%m%d-%H%M%S}"
