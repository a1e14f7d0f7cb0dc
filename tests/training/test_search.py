import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ganad_tf.cli import cli
from ganad_tf.config import GENERATOR_LOSSES, LossConfig, RunConfig, make_config, read_config
from ganad_tf.errors import UserError
from ganad_tf.run import Run
from ganad_tf.training import search as search_module
from ganad_tf.training.search import (
    KEPT_FILES,
    Mode,
    combinations,
    run_trial,
    rung_epochs,
    weights_of,
)

FEW = [
    (1.5, 1.5, 0.5, 0.5, 1.0, 0.5),
    (1.5, 1.5, 1.5, 1.5, 0.5, 0.5),
    (0.5, 0.5, 1.5, 1.5, 0.5, 1.0),
    (0.5, 0.5, 0.5, 1.0, 0.5, 0.5),
]


def test_315_combinations_are_admitted() -> None:
    """Counted in halves, as integers, by the sums of both groups."""
    halves = np.indices((3,) * 6).reshape(6, -1) + 1
    admitted = halves[:, halves[:4].sum(0) > 2 * halves[4:].sum(0)]
    assert admitted.shape[1] == 315
    assert {tuple(column / 2) for column in admitted.T} == set(combinations())
    assert len(combinations()) == len(set(combinations()))


def test_the_weights_of_the_paper_are_among_them() -> None:
    paper = LossConfig(1.5, 1.5, 0.5, 0.5, 1.0, 0.5)
    assert weights_of(RunConfig(loss=paper)) in combinations()
    assert set(GENERATOR_LOSSES) < set(LossConfig.SETTINGS)


@pytest.mark.parametrize(
    ("epochs", "expected"),
    [(1, [1]), (2, [2]), (3, [1, 3]), (10, [1, 3, 10]), (30, [1, 3, 10, 30])],
)
def test_halving_ends_with_all_epochs(epochs: int, expected: list[int]) -> None:
    assert rung_epochs(epochs, Mode.HALVING) == expected
    assert rung_epochs(epochs, Mode.GRID) == [epochs]


@pytest.fixture
def trial_folder(small_run: Run, tmp_path: Path) -> Path:
    folder = tmp_path / "4-epochs" / "weights"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    return folder


def test_a_finished_trial_is_read_back_and_only_its_history_is_kept(
    small_run: Run, trial_folder: Path
) -> None:
    result = run_trial(small_run.config, trial_folder)
    best = max(entry["validation_auroc"] for entry in small_run.read_history())
    assert result["validation_auroc"] == best
    assert small_run.read_history()[result["best_epoch"] - 1]["validation_auroc"] == best
    assert {path.name for path in trial_folder.iterdir()} == KEPT_FILES
    stamps = {path: path.stat().st_mtime_ns for path in trial_folder.iterdir()}
    assert run_trial(small_run.config, trial_folder) == result
    assert {path: path.stat().st_mtime_ns for path in trial_folder.iterdir()} == stamps


def test_a_trial_with_other_settings_is_refused(trial_folder: Path) -> None:
    other = make_config({"train": {"epochs": 7}})
    with pytest.raises(UserError, match="other settings"):
        run_trial(other, trial_folder)
    assert (trial_folder / "best.keras").is_file()


def invoke(folder: Path, *arguments: object) -> Result:
    flags = ["search", "--runs", str(folder), "--name", "s", *map(str, arguments)]
    return CliRunner().invoke(cli, flags)


def test_bad_settings_end_in_one_line(tmp_path: Path) -> None:
    for arguments in (("--epochs", 0), ("--dataset", "digitz"), ("--mode", "all")):
        result = invoke(tmp_path, *arguments)
        assert result.exit_code == 2
        assert result.output.count("error: ") == 1
        assert "Traceback" not in result.output


def write_settings(folder: Path) -> Path:
    path = folder / "tiny.toml"
    path.write_text("[train]\nepochs = 3\npasses = 1\n")
    return path


def trial_auroc(folder: Path, epochs: int, weights: tuple[float, ...]) -> float:
    name = "-".join(map(str, weights))
    history = json.loads((folder / "s" / f"{epochs}-epochs" / name / "history.json").read_text())
    assert len(history) == epochs
    return max(entry["validation_auroc"] for entry in history)


@pytest.mark.slow
def test_halving_finds_the_best_and_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_module, "combinations", lambda: FEW)
    settings = write_settings(tmp_path)
    result = invoke(tmp_path, "--config", settings)
    assert result.exit_code == 0, result.output
    results = json.loads((tmp_path / "s" / "results.json").read_text())
    first, last = results["rungs"]
    assert [trial["epochs"] for trial in (*first, *last)] == [1, 1, 1, 1, 3, 3]
    ranked = sorted(FEW, key=lambda weights: -trial_auroc(tmp_path, 1, weights))
    assert [tuple(trial["weights"]) for trial in first] == ranked
    assert {tuple(trial["weights"]) for trial in last} == set(ranked[:2])
    best = max(ranked[:2], key=lambda weights: trial_auroc(tmp_path, 3, weights))
    config = make_config(read_config(tmp_path / "s" / "best.toml"))
    assert weights_of(config) == tuple(results["best"]) == best
    assert config.train.epochs == 3
    assert "best of 2 on validation after 3 epochs" in result.output
    assert not list((tmp_path / "s").rglob("metrics.json"))
    assert not list((tmp_path / "s").rglob("*.keras"))

    lost = tmp_path / "s" / "3-epochs" / "-".join(map(str, best))
    shutil.rmtree(lost)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "s").rglob("history.json")}
    again = invoke(tmp_path, "--config", settings)
    assert again.exit_code == 0, again.output
    assert json.loads((tmp_path / "s" / "results.json").read_text()) == results
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert (lost / "history.json").is_file()

    other = invoke(tmp_path, "--config", settings, "--seed", 1)
    assert other.exit_code == 2
    assert "choose another --name" in other.output


@pytest.mark.slow
def test_a_trial_that_diverges_loses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    endless = (float("inf"), *FEW[0][1:])
    monkeypatch.setattr(search_module, "combinations", lambda: [endless, FEW[0]])
    settings = write_settings(tmp_path)
    result = invoke(tmp_path, "--config", settings, "--mode", "grid")
    assert result.exit_code == 0, result.output
    (rung,) = json.loads((tmp_path / "s" / "results.json").read_text())["rungs"]
    assert [trial["error"] is None for trial in rung] == [True, False]
    assert "diverged" in rung[1]["error"]
