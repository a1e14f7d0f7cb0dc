"""One detector, trained, evaluated and, as int8, verified: the work of most results.

It is an ordinary run folder. What is there already is not done again: epochs, figures on the test
split, the bundle, its verification. What the steps print goes to `<folder>.log`.
"""

import dataclasses
import os
import time
from pathlib import Path
from typing import Any

from ganad_tf import __version__
from ganad_tf.config import RunConfig
from ganad_tf.errors import UserError
from ganad_tf.run import RUN_FILE, Run
from ganad_tf.run.history import EPOCH, VALIDATION_AUROC
from ganad_tf.system.files import read_json, write_json
from ganad_tf.system.jobs import printing_to
from tools.bench.machine import processor

TARGET, MODEL_FILE = "cpu", "model.tflite"
SECONDS_FILE = "training_seconds.json"


def train_evaluate(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Train a detector and evaluate it.

    Args:
        config: Settings of data and method.
        folder: The run folder, new or left by an earlier call.

    Returns:
        The version; `float_auroc` on the whole test split, with interval; the other figures of
        an `Evaluation` in `evaluation`; `validation_auroc` of the epoch that the configuration
        chooses, `best_epoch`; `training_seconds`, beside whatever else ran; the machine; and the
        `command` that repeats it, given the configuration as TOML.

    Raises:
        UserError: If the folder holds a run with other settings, is in use, the data cannot be
            loaded, or training diverges.
    """
    with printing_to(_log_path(folder)):
        return _describe(_train(config, folder))


def train_evaluate_verify(config: RunConfig, folder: Path) -> dict[str, Any]:
    """Train a detector, evaluate it, export it as int8 TFLite and verify that file.

    Args:
        config: Settings of data and method.
        folder: The run folder, new or left by an earlier call.

    Returns:
        What `train_evaluate` returns, and `int8_auroc` on the same images; `difference` (int8
        minus float, with its interval); `rank_correlation` of the two scores; `int8_bytes`; and the
        `verdict`: the outcome, its reason, the threshold of the file, false rejects and misses.

    Raises:
        UserError: As `train_evaluate`.
    """
    with printing_to(_log_path(folder)):
        run = _train(config, folder)
        result, verification = _describe(run), _verify(run)
    return {
        **result,
        "int8_auroc": verification["exported_auroc"],
        "difference": verification["difference"],
        "rank_correlation": verification["rank_correlation"],
        "verdict": {
            "outcome": verification["outcome"],
            "reason": verification["reason"],
            "threshold": verification["exported_threshold"],
            "false_rejects": verification["false_rejects"],
            "misses": verification["misses"],
        },
        "test_images": verification["images"],
        "int8_bytes": verification["exported_bytes"],
        "float_bytes": verification["float_bytes"],
        "command": f"{result['command']} && ganad-tf export --run runs/{run.folder.name}",
    }


def _log_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.log")


def _describe(run: Run) -> dict[str, Any]:
    evaluation = _evaluate(run)
    chosen = run.chosen_entry()
    seconds = run.folder / SECONDS_FILE
    return {
        "ganad_tf": __version__,
        "float_auroc": evaluation["auroc"],
        "evaluation": {name: value for name, value in evaluation.items() if name != "auroc"},
        "epochs": len(run.read_history()),
        "best_epoch": chosen[EPOCH],
        "validation_auroc": chosen[VALIDATION_AUROC],
        "training_seconds": read_json(seconds, "train again") if seconds.is_file() else None,
        "machine": describe_machine(),
        "command": _train_command(run),
    }


def describe_machine() -> dict[str, Any]:
    """Return the name of the processor, its cores, and the threads that TensorFlow uses."""
    import tensorflow as tf

    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": tf.config.threading.get_inter_op_parallelism_threads(),
    }


def _train_command(run: Run) -> str:
    name = run.folder.name
    place = " --data-dir DATA_DIR" if run.config.data.dataset == "folder" else ""
    return f"ganad-tf train --config {name}.toml --name {name}{place}"


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
        # The time of epochs before a kill is not known; they count as the average of the others.
        seconds = (time.monotonic() - started) * epochs / (epochs - finished)
        write_json(folder / SECONDS_FILE, round(seconds, 1))
    return run


def _evaluate(run: Run) -> dict[str, Any]:
    from ganad_tf.evaluation.evaluate import evaluate
    from ganad_tf.evaluation.measure import read_evaluation

    if not run.is_evaluated:
        evaluate(run)
    return dataclasses.asdict(read_evaluation(run))


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
