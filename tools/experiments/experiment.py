"""One trained and evaluated detector, verified as int8 or not: what the tables are made of.

An experiment is an ordinary run folder and a result, two small files that can be kept:
`<name>.json` with configuration and figures, and `<name>.toml` for `ganad-tf train --config`. Its
steps are taken up where they were left.
"""

import os
import shlex
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ganad_tf import __version__
from ganad_tf.config import RunConfig, recorded_config, to_toml
from ganad_tf.errors import UserError
from ganad_tf.run import RUN_FILE, Run
from ganad_tf.system.files import read_json, write_json, write_text
from ganad_tf.system.jobs import printing_to
from tools.bench.machine import processor

TARGET, MODEL_FILE = "cpu", "model.tflite"
SECONDS_FILE = "training_seconds.json"


def train_evaluate(config: RunConfig, folder: Path, result_path: Path) -> dict[str, Any]:
    """Train a detector and evaluate it.

    What is there already is not done again: the result, if it has the same configuration, and
    in the run folder epochs and figures on the test split. What the steps print goes to
    `<folder>.log`.

    Args:
        config: What to train on, and how.
        folder: The run folder, new or left by an earlier call.
        result_path: The JSON file to write; the TOML file goes beside it.

    Returns:
        The result, see `describe`.

    Raises:
        UserError: If the folder holds a run with other settings, is in use, the data cannot be
            loaded, or training diverges.
    """
    return _make_result(config, folder, result_path, describe)


def train_evaluate_verify(config: RunConfig, folder: Path, result_path: Path) -> dict[str, Any]:
    """Do as `train_evaluate`, export as int8 TFLite and verify that file, each step once, too.

    Returns:
        The result, see `describe_with_int8`.
    """
    return _make_result(config, folder, result_path, describe_with_int8)


def _make_result(
    config: RunConfig, folder: Path, result_path: Path, describe_run: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    result = read_result(result_path, config)
    if result is None:
        with printing_to(folder.with_name(f"{folder.name}.log")):
            result = describe_run(_train(config, folder), result_path)
        result_path.parent.mkdir(parents=True, exist_ok=True)
        write_text(result_path.with_suffix(".toml"), to_toml(config.portable()))
        write_json(result_path, result)
    return result


def read_result(path: Path, config: RunConfig) -> dict[str, Any] | None:
    """Return the result of an experiment, or None if there is none with this configuration.

    Settings that are newer than the result count as they do when a run is opened.
    """
    if not path.is_file():
        return None
    result = read_json(path, "remove it")
    try:
        is_same = recorded_config(result["config"]) == config.portable()
    except (UserError, KeyError, TypeError):
        is_same = False
    return result if is_same else None


def describe(run: Run, result_path: Path) -> dict[str, Any]:
    """Return the result of a trained run: its figures and what they depend on.

    Args:
        run: The run; evaluated here if it is not yet.
        result_path: Where the result goes, for the command that repeats it.

    Returns:
        Configuration and versions; `float_auroc` on the whole test split, with interval; the
        other figures of an `Evaluation` in `evaluation`; `validation_auroc` of
        the `best_epoch`, or of the last where that is taken; `training_seconds`, beside whatever
        else ran; and the `command`.
    """
    evaluation = _evaluate(run)
    history = run.read_history()
    chosen = run.chosen_entry()
    seconds = run.folder / SECONDS_FILE
    return {
        "config": tomllib.loads(to_toml(run.config.portable())),
        "ganad_tf": __version__,
        "float_auroc": evaluation["auroc"],
        "evaluation": {name: value for name, value in evaluation.items() if name != "auroc"},
        "epochs": len(history),
        "best_epoch": chosen["epoch"],
        "validation_auroc": chosen["validation_auroc"],
        "training_seconds": read_json(seconds, "train again") if seconds.is_file() else None,
        "machine": describe_machine(),
        "command": _train_command(run, result_path),
    }


def describe_with_int8(run: Run, result_path: Path) -> dict[str, Any]:
    """Return the result of a trained run with that of its int8 file, exported here if need be.

    Returns:
        What `describe` does, and `int8_auroc` on the same images; `difference` (int8 minus float,
        with DeLong's interval); `rank_correlation` of the two scores; `int8_bytes`.
    """
    float_result = describe(run, result_path)
    verification = _verify(run)
    export = f"ganad-tf export --run {shlex.quote(f'runs/{run.folder.name}')}"
    return {
        **float_result,
        "int8_auroc": verification["exported_auroc"],
        "difference": verification["difference"],
        "rank_correlation": verification["rank_correlation"],
        "test_images": verification["images"],
        "int8_bytes": verification["exported_bytes"],
        "float_bytes": verification["float_bytes"],
        "command": f"{float_result['command']} && {export}",
    }


def describe_machine() -> dict[str, Any]:
    """Return the processor's name and the number of threads that TensorFlow has here."""
    import tensorflow as tf

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": tf.config.threading.get_inter_op_parallelism_threads(),
    }


def _train_command(run: Run, result_path: Path) -> str:
    settings = result_path.with_suffix(".toml")
    if settings.is_relative_to(Path.cwd()):
        settings = settings.relative_to(Path.cwd())
    else:
        settings = Path(settings.name)
    return shlex.join(["ganad-tf", "train", "--config", str(settings), "--name", run.folder.name])


def _train(config: RunConfig, folder: Path) -> Run:
    from ganad_tf.training.train import resume, train

    started = time.monotonic()
    if not (folder / RUN_FILE).is_file():
        run, finished = train(config, folder), 0
    else:
        run = Run.open(folder)
        if run.config.portable() != config.portable():
            raise UserError(f"{folder} holds a run with other settings: remove it")
        if run.is_trained:
            return run
        finished = len(run.read_history())
        run = resume(run)
    epochs = config.train.epochs
    if finished < epochs:
        # The time of epochs before a kill is not known: theirs is taken to be like the others'.
        seconds = (time.monotonic() - started) * epochs / (epochs - finished)
        write_json(folder / SECONDS_FILE, round(seconds, 1))
    return run


def _evaluate(run: Run) -> dict[str, Any]:
    from ganad_tf.evaluation.evaluate import evaluate

    if not run.is_evaluated:
        evaluate(run)
    return read_json(run.metrics_path, f"ganad-tf evaluate --run {run.folder}")


def _verify(run: Run) -> dict[str, Any]:
    from ganad_tf.exporting.export import export
    from ganad_tf.exporting.verify import EVIDENCE_FOLDER, verify

    bundle = run.folder / "bundles" / TARGET
    evidence = bundle / EVIDENCE_FOLDER / f"{MODEL_FILE}.json"
    if not evidence.is_file():
        if not bundle.is_dir():
            export(run, [TARGET])
        verify([bundle / MODEL_FILE], run)
    return read_json(evidence, f"remove {bundle}")
