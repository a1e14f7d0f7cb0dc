"""The studies: what their rows change, what they write, and what is done twice (nothing)."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from ganad_tf.config import make_config
from tests.support import tables
from tests.support.tables import write_results
from tools.experiments import studies
from tools.experiments.baselines.run import METHODS
from tools.experiments.classes import class_label, class_names
from tools.experiments.detector import train_evaluate, train_evaluate_verify
from tools.experiments.plots import Choice, pareto_front
from tools.experiments.results import FILE, Results
from tools.experiments.runner import write
from tools.experiments.studies import Variation, held_out
from tools.experiments.table import Cell, Table

STUDIES = {study.name: study for study in studies.STUDIES}
DETECTORS = (train_evaluate, train_evaluate_verify)
DATASETS = ("digits", "mnist", "fashion-mnist", "cifar10")


def invoke(folder: Path, study: str, *arguments: object) -> Result:
    places = ["--runs", folder / "runs", "--out", folder / "out"]
    return tables.invoke(study, "--dataset", "digits", *places, *arguments)


def table_of(study: str, classes: tuple[int, ...] = (0,), seeds: int = 1, epochs: int = 1) -> Table:
    settings = {"data": {"dataset": "digits"}, "train": {"epochs": epochs}}
    return STUDIES[study].table(settings, classes, seeds, "python -m tables")


def folder_of(folder: Path, study: str) -> Path:
    return folder / "out" / "digits" / study


def drawn(rng: np.random.Generator) -> dict[str, float]:
    return {"value": float(rng.random())}


def rows_of(folder: Path, study: str) -> dict[str, list[str]]:
    """The cells of the table by their row."""
    text = (folder_of(folder, study) / "table.md").read_text()
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


def test_what_studies_have_in_common_is_trained_once() -> None:
    shared = set()
    for name in STUDIES:
        cells = table_of(name, (0, 3), seeds=2).cells
        assert len({cell.name for cell in cells}) == len(cells)
        detectors = [cell for cell in cells if cell.work in DETECTORS]
        assert len({cell.run_name for cell in detectors}) == len(detectors)
        shared.add(detectors[0].run_name)
    assert len(shared) == 1


def test_the_table_is_that_of_the_results(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table, folder = table_of("ablation", (0, 3), seeds=2, epochs=2), folder_of(tmp_path, "ablation")
    write_results(table, folder, lambda _: {"float_auroc": drawn(rng)})
    arguments = ("--classes", "0,3", "--seeds", 2, "--epochs", 2)
    result = invoke(tmp_path, "ablation", *arguments)
    assert result.exit_code == 0, result.output
    assert "40 jobs, 40 of them done already" in result.output
    text = (folder / "table.md").read_text()
    assert text in result.output
    command = "python -m tools.experiments ablation --dataset digits --classes 0,3"
    for words in ("Classes: 0, 3; seeds: 0, 1; epochs: 2.", f"`{command} --seeds 2 --epochs 2`"):
        assert words in text
    rows = rows_of(tmp_path, "ablation")
    assert rows.pop("ablation") == ["0", "3", "average"]
    rows.pop("---")
    assert len(rows) == 10
    results = Results(folder).read()
    for label, cells in rows.items():
        stem = label.replace(" ", "-")
        values = np.array(
            [
                [results[f"{stem}-{c}-seed-{seed}"]["float_auroc"]["value"] for seed in (0, 1)]
                for c in (0, 3)
            ]
        )
        spreads = zip(values.mean(1), values.std(1, ddof=1), strict=True)
        assert cells[:2] == [f"{mean:.4f} ± {spread:.4f}" for mean, spread in spreads]
        assert cells[2] == f"{values.mean():.4f}"
    assert str(tmp_path) not in text + (folder / FILE).read_text()


def test_a_row_has_a_gap_and_no_average_where_a_class_is_missing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table, folder = table_of("ablation", (0, 3), seeds=2, epochs=2), folder_of(tmp_path, "ablation")
    write_results(
        table,
        folder,
        lambda cell: (
            None
            if (cell.label, cell.column) == ("without abc", "3")
            else {"float_auroc": drawn(rng)}
        ),
    )
    write(table, folder)
    rows = rows_of(tmp_path, "ablation")
    without_abc = rows.pop("without abc")
    assert without_abc[0] != "-"
    assert without_abc[1:] == ["-", "-"]
    assert not any("-" in cells for cells in rows.values())


def test_seen_and_unseen_kinds_have_columns_of_their_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    expected = {}

    def figures(cell: Cell) -> dict[str, Any]:
        whole, seen, unseen = drawn(rng), drawn(rng), drawn(rng)
        kinds: dict[str, Any] = {"seen_auroc": seen, "unseen_auroc": unseen}
        cells = [f"{seen['value']:.4f}", f"{unseen['value']:.4f}"]
        if cell.label.endswith("all seen"):
            kinds = dict.fromkeys(kinds)
            cells = [f"{whole['value']:.4f}", "-"]
        expected[cell.label] = cells * 2
        return {"float_auroc": whole, "evaluation": kinds}

    write_results(table_of("unseen"), folder_of(tmp_path, "unseen"), figures)
    result = invoke(tmp_path, "unseen", "--classes", 0, "--epochs", 1)
    assert result.exit_code == 0, result.output
    rows = rows_of(tmp_path, "unseen")
    assert rows.pop("unseen") == ["0, seen", "0, unseen", "average, seen", "average, unseen"]
    rows.pop("---")
    assert rows == expected
    assert list(rows)[:2] == ["all seen", "classifier, all seen"]


def test_the_widths_have_size_and_time_and_a_plot(tmp_path: Path) -> None:
    table, folder = table_of("widths", (0, 3)), folder_of(tmp_path, "widths")
    numbers = {cell.name: number for number, cell in enumerate(table.cells)}

    def figures(cell: Cell) -> dict[str, Any]:
        number = numbers[cell.name]
        aurocs = {"float_auroc": {"value": 0.9}, "int8_auroc": 0.8 + number / 100}
        return {**aurocs, "int8_bytes": 100_000 + 2 * number}

    write_results(table, folder, figures)
    arguments = ("widths", "--classes", "0,3", "--epochs", 1)
    plot = folder / "pareto.png"
    unmeasured = invoke(tmp_path, *arguments)
    assert f"the run folder {table.cells[0].run_name} is gone" in unmeasured.output
    assert rows_of(tmp_path, "widths")["nano (8)"][-2:] == ["100,001", "-"]
    assert not plot.exists()
    timed = {
        name: {**result, "latency_us": 100.0 + numbers[name]}
        for name, result in Results(folder).read().items()
        if result["class"] == "0"
    }
    Results(folder).update(table, timed)
    assert invoke(tmp_path, *arguments).exit_code == 0
    rows = rows_of(tmp_path, "widths")
    averages = ["average, float", "average, int8", "int8 bytes", "µs per image"]
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


def test_the_rows_of_baselines_are_our_method_and_each_of_them() -> None:
    cells = table_of("baselines").cells
    assert [cell.label for cell in cells] == ["ganad-tf", *METHODS]
    assert [getattr(cell.work, "args", None) for cell in cells] == [
        None,
        *((method,) for method in METHODS),
    ]
