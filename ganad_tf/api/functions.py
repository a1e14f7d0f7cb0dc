"""The commands as functions: train, evaluate, export, verify, score_folder."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ganad_station.threshold import DEFAULT_FALSE_REJECT_RATE
from ganad_tf.config import DATASET_DEFAULTS, RunConfig, make_config
from ganad_tf.config.defaults import DEFAULT_MAX_DROP, FOLDER
from ganad_tf.errors import UserError
from ganad_tf.evaluation import evaluate as evaluation
from ganad_tf.evaluation import folder as folder_scoring
from ganad_tf.evaluation.measure import Evaluation
from ganad_tf.exporting import export as exporting
from ganad_tf.exporting import verify as verification
from ganad_tf.exporting.comparison import Verification
from ganad_tf.run import DEFAULT_RUNS, Run
from ganad_tf.targets.recipe import Precision, Variant
from ganad_tf.training import train as training

AnyPath = str | os.PathLike[str]


def train(
    data: AnyPath | RunConfig,
    *,
    name: str | None = None,
    runs: AnyPath = DEFAULT_RUNS,
    data_dir: AnyPath | None = None,
    group_by: str | None = None,
    normal_class: int | None = None,
    anomaly_source: str | None = None,
    size: int | tuple[int, int] | None = None,
    fit: str | None = None,
    tile: int | None = None,
    channels: int | None = None,
    illumination: str | None = None,
    width: int | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    learning_rate: float | None = None,
    flip: bool | None = None,
    seed: int | None = None,
) -> Run:
    """Train a detector into a new run folder and evaluate it, as `ganad-tf train` does.

    Settings that are None take the defaults of the data set. docs/settings.md lists all settings
    with their defaults; pass a `ganad_tf.Config` to set those that are not arguments here.

    Args:
        data: The folder or CSV list of your pictures; or the name of a data set, such as `digits`
            or `cifar10`; or a `ganad_tf.Config`, which holds all settings.
        name: Name of the run folder. By default, the name of the folder or list of pictures, or of
            the data set and its normal class.
        runs: The folder that the run folder is made in.
        data_dir: Folder with the files of a named data set. By default, the usual places are
            searched.
        group_by: How pictures of the same part are recognized, which go to the same split:
            `near-duplicates`, or a regular expression that finds the part in a file name.
        normal_class: Index of the normal class of a named data set.
        anomaly_source: Anomalies to train with: `labelled`, `synthetic` or `both`.
        size: Height and width in pixels that images are resized to, multiples of 16: one number
            for squares, or a pair such as `(512, 1280)`.
        fit: How pictures are fitted into that size: `stretch`; `letterbox`, which keeps their
            aspect ratio; or `native`, which takes none of another size.
        tile: Height and width in pixels of the tiles that training sees, a multiple of 16.
        channels: 1 for grey, 3 for RGB. By default, as in the files.
        illumination: What is evened out between images: `as-taken`, `brightness` or `contrast`.
        width: Number of feature maps of the first layer; 8 in the paper.
        epochs: Number of epochs.
        batch_size: Number of normal images per step.
        learning_rate: Peak of the learning rate.
        flip: Whether training mirrors images left to right. By default, it does so for pictures of
            your own unless good ones clearly differ from their mirror images.
        seed: Seed of everything that is random.

    Returns:
        The trained and evaluated run.

    Raises:
        ganad_tf.UserError: If a setting is not valid, the data cannot be loaded, the run folder
            exists already, or training diverges.
    """
    changes = {
        "seed": seed,
        "data": {
            "data_dir": None if data_dir is None else os.fspath(data_dir),
            "group_by": group_by,
            "normal_class": normal_class,
            "anomaly_source": anomaly_source,
            "size": size,
            "fit": fit,
            "tile": tile,
            "channels": channels,
            "illumination": illumination,
        },
        "train": {
            "width": width,
            "epochs": epochs,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "flip": flip,
        },
    }
    config = _configure(data, changes)
    run = training.train(config, Path(runs) / (name or _default_name(config)))
    evaluation.evaluate(run)
    return run


def evaluate(
    run: Run | AnyPath, false_reject_rate: float = DEFAULT_FALSE_REJECT_RATE
) -> Evaluation:
    """Evaluate a run on its test split and set its threshold.

    Writes `metrics.json` and the plots into the run folder.

    Args:
        run: A trained run, or its folder.
        false_reject_rate: The threshold rejects at most this fraction of the normal images of the
            validation split, in [0, 1).

    Returns:
        The figures, each with its 95 % confidence interval.

    Raises:
        ganad_tf.UserError: If the run is not trained, its data have changed, or the rate is out of
            range.
    """
    return evaluation.evaluate(_open(run), false_reject_rate)


def export(
    run: Run | AnyPath,
    targets: Sequence[str] = ("cpu",),
    *,
    precision: str = "int8",
    max_drop: float = DEFAULT_MAX_DROP,
) -> dict[Path, Verification]:
    """Export a run as one bundle per target and verify each model file.

    The bundles are written to `<run>/bundles/<target>/`.

    Args:
        run: An evaluated run, or its folder.
        targets: Names of the targets: `coral`, `jetson`, `cpu`.
        precision: `int8`; or `float16` or `float32` for comparison, on target `cpu` only.
        max_drop: Largest drop of the AUROC, compared with the float model, that passes.

    Returns:
        The verification of each model file by its path. Look at `is_verified`: the station warns
        about a bundle with a file that did not pass.

    Raises:
        ganad_tf.UserError: If the run is not evaluated, its data have changed, or a target or
            precision is unknown.
    """
    opened = _open(run)
    if precision not in list(Precision):
        raise UserError(f"unknown precision {precision!r}: choose one of {', '.join(Precision)}")
    paths = exporting.export(opened, list(targets), Variant(Precision(precision)))
    return dict(zip(paths, verification.verify(paths, opened, max_drop), strict=True))


def verify(
    models: AnyPath | Sequence[AnyPath],
    run: Run | AnyPath,
    max_drop: float = DEFAULT_MAX_DROP,
) -> dict[Path, Verification]:
    """Compare exported model files with the float model of their run, on the whole test split.

    Args:
        models: A model file that `export` wrote, or several.
        run: The run that they were exported from, or its folder.
        max_drop: Largest drop of the AUROC that passes.

    Returns:
        The verification of each model file by its path.

    Raises:
        ganad_tf.UserError: If a file cannot be loaded or was exported from another run, or the data
            of the run have changed.
    """
    paths = [Path(models)] if isinstance(models, AnyPath) else [Path(model) for model in models]
    return dict(zip(paths, verification.verify(paths, _open(run), max_drop), strict=True))


def score_folder(
    run: Run | AnyPath,
    pictures: AnyPath,
    table: AnyPath = "scores.csv",
    heatmaps: AnyPath | None = None,
) -> dict[str | None, int]:
    """Score all pictures of a folder and its subfolders with the float model of a run.

    Args:
        run: An evaluated run, or its folder.
        pictures: The folder, or a single picture.
        table: The file to write, `.csv` or `.jsonl`, with one line per picture.
        heatmaps: The folder to write pictures with their error in red to; None for none.

    Returns:
        The number of pictures by decision: `OK`, `NG`, `ERROR` for those that are unlike the
        training pictures or whose score is not a number, and None for those that cannot be read.

    Raises:
        ganad_tf.UserError: If the run is not evaluated, or there are no pictures.
    """
    places = Path(pictures), Path(table), None if heatmaps is None else Path(heatmaps)
    return folder_scoring.score_folder(_open(run), *places)


def _open(run: Run | AnyPath) -> Run:
    return run if isinstance(run, Run) else Run.open(Path(run))


def _configure(data: AnyPath | RunConfig, changes: dict[str, Any]) -> RunConfig:
    if isinstance(data, RunConfig):
        if make_config(changes) != make_config():
            raise UserError("a Config holds all settings: give settings in the Config alone")
        return data
    name = os.fspath(data)
    if name in DATASET_DEFAULTS and name != FOLDER:
        return make_config(changes, {"data": {"dataset": name}})
    if not Path(name).exists():
        raise UserError(
            f"{name} is neither a data set ({', '.join(DATASET_DEFAULTS)}) nor a folder or list of "
            "pictures: check the path"
        )
    return make_config(
        changes, {"data": {"dataset": FOLDER, "data_dir": str(Path(name).resolve())}}
    )


def _default_name(config: RunConfig) -> str:
    data = config.data
    if data.dataset == FOLDER and data.data_dir:
        return Path(data.data_dir).stem
    return f"{data.dataset}-{data.normal_class}"
