"""The side tables: what their rows change, what they write, and what is done twice (nothing)."""

import dataclasses
import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ganad_tf.cli import cli
from ganad_tf.config import WIDTH_PRESETS, make_config, to_toml
from ganad_tf.run import Run
from tools.experiments.baselines.run import METHODS
from tools.experiments.classes import class_label, class_names
from tools.experiments.experiment import train_evaluate, train_evaluate_verify
from tools.experiments.studies.__main__ import STUDIES, main
from tools.experiments.studies.latency import measure_latency
from tools.experiments.studies.pareto import Choice, pareto_front
from tools.experiments.studies.study import Variation
from tools.experiments.studies.tasks import Task, plan
from tools.experiments.studies.unseen import held_out

DETECTORS = (train_evaluate, train_evaluate_verify)
DATASETS = ("digits", "mnist", "fashion-mnist", "cifar10")


def invoke(folder: Path, study: str, *arguments: object) -> Result:
    places = ["--runs", str(folder / "runs"), "--out", str(folder / "out")]
    flags = ["--study", study, "--dataset", "digits", *places, *map(str, arguments)]
    return CliRunner().invoke(main, flags, catch_exceptions=False)


def tasks_of(
    folder: Path, study: str, classes: tuple[int, ...] = (0,), seeds: int = 1, epochs: int = 1
) -> list[Task]:
    settings = {"data": {"dataset": "digits"}, "train": {"epochs": epochs}}
    out = folder / "out" / "digits" / study
    return plan(STUDIES[study], settings, classes, seeds, folder / "runs", out)


def write_result(task: Task, figures: dict[str, Any]) -> None:
    config = tomllib.loads(to_toml(task.config.portable()))
    task.path.parent.mkdir(parents=True, exist_ok=True)
    task.path.write_text(json.dumps({"config": config, **figures}))


def drawn(rng: np.random.Generator) -> dict[str, float]:
    return {"value": float(rng.random())}


def table_of(folder: Path, study: str) -> dict[str, list[str]]:
    """The cells of the table by their row."""
    text = (folder / "out" / "digits" / study / "table.md").read_text()
    lines = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("|")]
    assert len({len(line) for line in lines}) == 1
    return {line[0].strip(): [cell.strip() for cell in line[1:]] for line in lines}


def changes(variation: Variation) -> dict[str, Any]:
    """The settings that a variation changes, by section and name."""
    default, varied = (
        dataclasses.asdict(make_config({"data": {"dataset": "cifar10"}}, layer))
        for layer in ({}, variation.layer)
    )
    return {
        f"{section}.{key}": varied[section][key]
        for section in ("data", "loss", "train")
        for key, value in default[section].items()
        if varied[section][key] != value
    }


def test_the_ablation_switches_off_one_part_at_a_time() -> None:
    rows = {row.label: changes(row) for row in STUDIES["ablation"].variations("cifar10", 0)}
    assert rows == {
        "full": {},
        "without reconstruction": {"loss.reconstruction": 0},
        "without patch": {"loss.patch": 0},
        "without latent": {"loss.latent": 0},
        "without adversarial": {"loss.adversarial": 0},
        "without anomaly adversarial": {"loss.anomaly_adversarial": 0},
        "without abc": {"loss.abc": 0},
        "without both adversarial": {"loss.adversarial": 0, "loss.anomaly_adversarial": 0},
        "one discriminator": {"loss.discriminators": 1},
        "random regime": {"loss.regime": "random"},
    }


def test_the_imbalance_study_goes_from_the_default_number_of_anomalies_to_none() -> None:
    rows = {row.label: changes(row) for row in STUDIES["imbalance"].variations("mnist", 0)}
    balanced = {"data.anomalies": "balanced"}
    assert rows.pop("as many as normal, k-means") == balanced
    assert rows.pop("as many as normal, random") == {**balanced, "data.sampling": "random"}
    none = {"data.anomalies": 0, "loss.abc": 0, "loss.anomaly_adversarial": 0}
    assert rows.pop("none") == none
    for count in (1000, 100, 10):
        assert rows.pop(f"{count}, k-means") == {"data.anomalies": count}
        assert rows.pop(f"{count}, random") == {"data.anomalies": count, "data.sampling": "random"}
    assert not rows


@pytest.mark.parametrize(("dataset", "of_all"), [("fashion-mnist", 48_600), ("cifar10", 40_500)])
def test_the_imbalance_study_starts_with_all_anomalies_where_that_is_the_default(
    dataset: str, of_all: int
) -> None:
    layers = {row.label: row.layer for row in STUDIES["imbalance"].variations(dataset, 0)}
    by_label = {
        label: make_config({"data": {"dataset": dataset}}, layer).data.anomalies
        for label, layer in layers.items()
    }
    assert list(by_label.items())[:2] == [
        (f"{of_all}, all", of_all),
        ("as many as normal, k-means", "balanced"),
    ]
    assert by_label["none"] == 0


@pytest.mark.parametrize("dataset", DATASETS)
@pytest.mark.parametrize("normal_class", range(10))
def test_each_kind_is_held_out_in_one_fold_and_seen_in_the_other(
    dataset: str, normal_class: int
) -> None:
    names = class_names(dataset)
    others = set(names) - {names[normal_class]}
    folds = {label: set(kinds) for label, kinds in held_out(dataset, normal_class).items()}
    assert folds["all seen"] == set()
    odd, even = folds["odd held out"], folds["even held out"]
    assert odd | even == others
    assert not odd & even
    assert len(even) == 5
    alone = folds["all but one held out"]
    assert others - alone == {names[(normal_class + 1) % 10]}
    for row in STUDIES["unseen"].variations(dataset, normal_class):
        expected = {} if row.label.endswith("all seen") else {"data.unseen_kinds"}
        assert set(changes(row)) == set(expected)


def test_the_widths_are_the_presets_and_nano_is_the_papers() -> None:
    rows = {row.label: changes(row) for row in STUDIES["widths"].variations("cifar10", 0)}
    assert rows.pop("nano (8)") == {}
    assert [change["train.width"] for change in rows.values()] == [12, 16, 24]


def test_what_studies_have_in_common_is_trained_once(tmp_path: Path) -> None:
    shared = set()
    for name in STUDIES:
        tasks = tasks_of(tmp_path, name, (0, 3), seeds=2)
        assert len({task.path for task in tasks}) == len(tasks)
        detectors = [task for task in tasks if task.variation.work in DETECTORS]
        assert len({task.folder for task in detectors}) == len(detectors)
        shared.add(detectors[0].folder)
    assert len(shared) == 1


def test_the_table_is_that_of_the_results(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for task in tasks_of(tmp_path, "ablation", (0, 3), seeds=2, epochs=2):
        write_result(task, {"float_auroc": drawn(rng)})
    folder = tmp_path / "out" / "digits" / "ablation"
    (folder / "without-abc-class-3-seed-0.json").unlink()
    (folder / "without-abc-class-3-seed-1.json").unlink()
    arguments = ("--classes", "0,3", "--seeds", 2, "--epochs", 2)
    blocked = [task for task in tasks_of(tmp_path, "ablation", (3,), 2, 2) if "abc" in task.label]
    for task in blocked:
        task.folder.mkdir(parents=True)
        (task.folder / "notes.txt").write_text("mine")
    result = invoke(tmp_path, "ablation", *arguments)
    assert result.exit_code == 1
    assert "40 jobs, 38 of them done already" in result.output
    assert result.output.count("failed: ") == 3
    text = (folder / "table.md").read_text()
    assert text in result.output
    for words in (
        "Classes: 0, 3; seeds: 0, 1; epochs: 2.",
        "`python -m tools.experiments.studies --study ablation --dataset digits --classes 0,3",
        " --seeds 2 --epochs 2`",
    ):
        assert words in text
    rows = table_of(tmp_path, "ablation")
    assert rows.pop("ablation") == ["0", "3", "average"]
    assert rows.pop("without abc")[1:] == ["-", "-"]
    rows.pop("---")
    assert len(rows) == 9
    written = json.loads((folder / "results.json").read_text())
    for label, cells in rows.items():
        stem = label.replace(" ", "-")
        values = np.array(
            [
                [
                    json.loads((folder / f"{stem}-class-{c}-seed-{seed}.json").read_text())[
                        "float_auroc"
                    ]["value"]
                    for seed in (0, 1)
                ]
                for c in (0, 3)
            ]
        )
        spreads = zip(values.mean(1), values.std(1, ddof=1), strict=True)
        assert cells[:2] == [f"{mean:.4f} ± {spread:.4f}" for mean, spread in spreads]
        assert cells[2] == f"{values.mean():.4f}"
        assert written["rows"][label]["AUROC"]["average"] == pytest.approx(values.mean())
    assert str(tmp_path) not in text + json.dumps(written)


def test_seen_and_unseen_kinds_have_columns_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    expected = {}
    for task in tasks_of(tmp_path, "unseen"):
        whole, seen, unseen = drawn(rng), drawn(rng), drawn(rng)
        kinds: dict[str, Any] = {"seen_auroc": seen, "unseen_auroc": unseen}
        cells = [f"{seen['value']:.4f}", f"{unseen['value']:.4f}"]
        if task.label.endswith("all seen"):
            kinds = dict.fromkeys(kinds)
            cells = [f"{whole['value']:.4f}", "-"]
        write_result(task, {"float_auroc": whole, "evaluation": kinds})
        expected[task.label] = cells * 2
    result = invoke(tmp_path, "unseen", "--classes", 0, "--epochs", 1)
    assert result.exit_code == 0, result.output
    rows = table_of(tmp_path, "unseen")
    assert rows.pop("unseen") == ["0, seen", "0, unseen", "average, seen", "average, unseen"]
    rows.pop("---")
    assert rows == expected
    assert list(rows)[:2] == ["all seen", "classifier, all seen"]


def test_the_widths_have_size_and_time_and_a_plot(tmp_path: Path) -> None:
    tasks = tasks_of(tmp_path, "widths", (0, 3))
    for number, task in enumerate(tasks):
        figures = {"float_auroc": {"value": 0.9}, "int8_auroc": 0.8 + number / 100}
        write_result(task, {**figures, "int8_bytes": 100_000 + 2 * number})
    arguments = ("widths", "--classes", "0,3", "--epochs", 1)
    plot = tmp_path / "out" / "digits" / "widths" / "pareto.png"
    unmeasured = invoke(tmp_path, *arguments)
    assert f"the run folder {tasks[0].folder.name} is gone" in unmeasured.output
    assert table_of(tmp_path, "widths")["nano (8)"][-2:] == ["100,001", "-"]
    assert not plot.exists()
    for number, task in enumerate(tasks):
        if task.normal_class == 0:
            result = json.loads(task.path.read_text())
            task.path.write_text(json.dumps({**result, "latency_us": 100.0 + number}))
    assert invoke(tmp_path, *arguments).exit_code == 0
    rows = table_of(tmp_path, "widths")
    averages = ["average, float", "average, int8", "int8 bytes", "µs an image"]
    assert rows["widths"] == ["0, float", "0, int8", "3, float", "3, int8", *averages]
    expected = ["0.9000", "0.8600", "0.9000", "0.8700", "0.9000", "0.8650", "100,013", "106"]
    assert rows["large (24)"] == expected
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_the_pareto_front_leaves_out_what_another_beats() -> None:
    a, b, c, d = (
        Choice("a", 10, 0.7, 1),
        Choice("b", 20, 0.6, 1),
        Choice("c", 30, 0.9, 1),
        Choice("d", 30, 0.8, 1),
    )
    assert pareto_front([d, c, b, a]) == [a, c]


def test_classes_are_called_by_number_and_name() -> None:
    assert class_label("fashion-mnist", 3) == "3 dress"
    assert class_label("mnist", 3) == "3"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("widths", "--classes", "0,12"), "no class 12"),
        (("depths",), "'depths' is not one of 'ablation'"),
        (("ablation", "--epochs", 0), "epochs must be at least 1"),
    ],
)
def test_bad_arguments_end_in_one_line(tmp_path: Path, arguments: tuple, words: str) -> None:
    result = invoke(tmp_path, *arguments)
    assert result.exit_code == 2
    assert words in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_width_is_a_preset_or_a_number(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text("[train]\nepochs = 1\npasses = 1\n")
    train = ["train", "--config", str(tmp_path / "tiny.toml"), "--runs", str(tmp_path)]
    result = CliRunner().invoke(cli, [*train, "--width", "small", "--name", "small"])
    assert result.exit_code == 0, result.output
    assert Run.open(tmp_path / "small").config.train.width == WIDTH_PRESETS["small"] == 12
    for width, words in (
        ("-3", "width must be at least 1, got -3"),
        ("huge", "'huge' is no width: give nano, small, medium, large or a number"),
    ):
        refused = CliRunner().invoke(cli, [*train, "--width", width])
        assert refused.exit_code == 2
        assert words in refused.output


@pytest.mark.slow
def test_the_time_of_an_int8_file_is_measured_once(
    small_run: Run, bundles: dict[str, Path], tmp_path: Path
) -> None:
    tasks = tasks_of(tmp_path, "widths")[:2]
    for task in tasks:
        shutil.copytree(small_run.folder, task.folder)
    write_result(tasks[0], {"float_auroc": {"value": 0.9}})
    measure_latency(tasks, "latency_us")
    assert "latency_us" not in json.loads(tasks[0].path.read_text())
    write_result(tasks[1], {"float_auroc": {"value": 0.9}})
    measure_latency(tasks, "latency_us")
    results = [json.loads(task.path.read_text()) for task in tasks]
    for result in results:
        assert 1 < result["latency_us"] < 1e5
        assert result["float_auroc"] == {"value": 0.9}
    measure_latency(tasks, "latency_us")
    assert [json.loads(task.path.read_text()) for task in tasks] == results


@pytest.mark.slow
def test_studies_are_made_by_jobs_and_nothing_is_done_twice(tmp_path: Path) -> None:
    arguments = ("--classes", "0", "--epochs", 1)
    first = invoke(tmp_path, "unseen", *arguments)
    assert first.exit_code == 0, first.output
    assert "8 jobs, 0 of them done already" in first.output
    out = tmp_path / "out" / "digits"
    ours = json.loads((out / "unseen" / "odd-held-out-class-0-seed-0.json").read_text())
    assert ours["config"]["data"]["unseen_kinds"] == list("2468")
    assert "int8_auroc" not in ours
    assert "export" not in ours["command"]
    assert ours["training_seconds"] > 0
    classifier = out / "unseen" / "classifier-odd-held-out-class-0-seed-0.json"
    theirs = json.loads(classifier.read_text())["evaluation"]["unseen_auroc"]
    cells = table_of(tmp_path, "unseen")
    assert cells["odd held out"][1] == f"{ours['evaluation']['unseen_auroc']['value']:.4f}"
    assert cells["classifier, odd held out"][1] == f"{theirs['value']:.4f}"
    common = tasks_of(tmp_path, "unseen")[0].folder
    trained = (common / "generator.keras").stat().st_mtime_ns

    second = invoke(tmp_path, "widths", *arguments)
    assert second.exit_code == 0, second.output
    assert (common / "generator.keras").stat().st_mtime_ns == trained
    results = [json.loads(task.path.read_text()) for task in tasks_of(tmp_path, "widths")]
    for result, cells in zip(results, list(table_of(tmp_path, "widths").values())[2:], strict=True):
        figures = (result["float_auroc"]["value"], result["int8_auroc"])
        assert cells[:2] == [f"{figure:.4f}" for figure in figures]
        assert cells[-2:] == [f"{result['int8_bytes']:,}", f"{result['latency_us']:.0f}"]
    assert (
        results[0]["float_auroc"]
        == json.loads((out / "unseen" / "all-seen-class-0-seed-0.json").read_text())["float_auroc"]
    )
    sizes = [result["int8_bytes"] for result in results]
    assert sizes == sorted(sizes)
    assert (out / "widths" / "pareto.png").is_file()

    jobs = {path: path.stat().st_mtime_ns for path in out.rglob("*-seed-0.*")}
    again = invoke(tmp_path, "widths", *arguments)
    assert "4 jobs, 4 of them done already" in again.output
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*-seed-0.*")} == jobs
    for path in out.rglob("*"):
        assert path.is_dir() or str(tmp_path).encode() not in path.read_bytes()

    baselines = tasks_of(tmp_path, "baselines")
    assert [task.label for task in baselines] == ["ganad-tf", *METHODS]
    assert baselines[0].folder == common
