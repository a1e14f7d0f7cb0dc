"""The table of real defects: its rows, what they say, and what is done twice (nothing)."""

import statistics
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from ganad_tf.data.batches.make import paired_batches
from ganad_tf.data.sources import load_splits
from tests.support.parts import write_marked_parts
from tests.support.tables import invoke, write_results
from tools.experiments import defects
from tools.experiments.defects import MEASURES, defect_table
from tools.experiments.results import Results
from tools.experiments.table import Cell, Filled, Table

SETTINGS = """
[data]
size = 64
tile = 32
test_fraction = 0.4
[loss]
latent = 0.0
adversarial = 0.0
anomaly_adversarial = 0.0
[train]
epochs = 1
passes = 1
"""


def table_of_seeds(seeds: int) -> Table:
    data = {"dataset": "folder", "size": 64, "tile": 32}
    return defect_table(({"data": data},), 3, seeds, "python -m tables")


def make(folder: Path, data_dir: Path) -> Result:
    (folder / "settings.toml").write_text(SETTINGS)
    places = {"config": folder / "settings.toml", "out": folder / "out", "runs": folder / "runs"}
    options = {**places, "data-dir": data_dir, "seeds": 1, "workers": 2}
    return invoke(
        "defects", *(word for name, value in options.items() for word in (f"--{name}", value))
    )


def test_rows_are_what_there_is_to_train_on() -> None:
    cells = [cell for cell in table_of_seeds(2).cells if cell.config.seed == 1]
    labelled, few, synthetic = (cell.config for cell in cells)
    assert (labelled.data.anomalies, labelled.data.anomaly_source) == ("balanced", "labelled")
    assert (few.data.anomalies, few.data.anomaly_source) == (15, "labelled")
    assert synthetic.data.anomaly_source == "synthetic"


def test_the_table_has_mean_and_deviation_of_the_seeds(tmp_path: Path) -> None:
    table, rng = table_of_seeds(2), np.random.default_rng(0)
    floats, stains = rng.uniform(0.8, 1, (2, 2))

    def figures(cell: Cell) -> dict[str, Any] | None:
        seed = cell.config.seed
        evaluation = {
            "localization": {"pixel_auroc": {"value": 0.9}, "aupro": {"value": 0.8}},
            "auroc_of_parts": {"value": floats[seed] + 0.01} if seed else None,
            "recall_at": {"0": {"value": 0.1}, "0.01": {"value": 0.5}},
            "auroc_by_kind": {"stain": {"value": stains[seed]}},
        }
        result = {
            "float_auroc": {"value": floats[seed]},
            "int8_auroc": floats[seed] - 0.001,
            "difference": {"value": -0.001},
            "evaluation": evaluation,
        }
        return result if cell.label == "all labelled" else None

    write_results(table, tmp_path, figures)
    filled = Filled(table, Results(tmp_path).of(table.cells))
    first, second = table.page(filled).split("AUROC by kind")
    cells = [cell.strip() for cell in first.splitlines()[2].split("|")[1:-1]]
    mean, deviation = statistics.fmean(floats), statistics.stdev(floats)
    assert cells[:3] == ["all labelled", "0, 1", f"{mean:.4f} ± {deviation:.4f}"]
    of_parts = [floats[0], floats[1] + 0.01]
    mean, deviation = statistics.fmean(of_parts), statistics.stdev(of_parts)
    assert cells[4:] == [
        *("-0.0010 ± 0.0000", f"{mean:.4f} ± {deviation:.4f}", "0.900 ± 0.000", "0.800 ± 0.000"),
        *("0.100 ± 0.000", "0.500 ± 0.000"),
    ]
    assert f"| all labelled | {statistics.fmean(stains):.3f} ±" in second
    assert "| synthetic alone | - |" in first
    found = [result["float_auroc"]["value"] for result in filled.of("all labelled")]
    assert found == pytest.approx(floats.tolist())
    assert filled.of("synthetic alone") == []


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    result = make(tmp_path, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert str(tmp_path / "nowhere") in result.output
    assert "Traceback" not in result.output


def test_each_row_has_batches_to_train_on(tmp_path: Path) -> None:
    write_marked_parts(tmp_path / "parts", 64)
    place = {"data": {"dataset": "folder", "data_dir": str(tmp_path / "parts")}}
    for cell in defect_table((tomllib.loads(SETTINGS), place), 1, 1, "").cells:
        train = load_splits(cell.config.data, cell.config.seed).train
        normal, *_ = next(iter(paired_batches(cell.config, train).dataset(0, 1)))
        assert normal.shape == (12, 32, 32, 1), cell.label


@pytest.mark.slow
def test_a_row_is_trained_and_verified_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synthetic = {"synthetic alone": {"data": {"anomaly_source": "synthetic"}}}
    monkeypatch.setattr(defects, "rows", lambda _: synthetic)
    write_marked_parts(tmp_path / "parts", 64)
    result = make(tmp_path, tmp_path / "parts")
    assert result.exit_code == 0, result.output
    assert "1 jobs, 0 of them done already" in result.output
    results = Results(tmp_path / "out").read()
    assert len(results) == 1
    for row in results.values():
        assert 0 <= row["float_auroc"]["value"] <= 1
        difference = row["int8_auroc"] - row["float_auroc"]["value"]
        assert difference == pytest.approx(row["difference"]["value"])
        assert all(measure.value(row) is not None for measure in MEASURES)
        assert "train --config" in row["command"]
        assert "--data-dir DATA_DIR" in row["command"]
    for name in ("results.json", "table.md"):
        assert str(tmp_path) not in (tmp_path / "out" / name).read_text()
    assert "1 jobs, 1 of them done already" in make(tmp_path, tmp_path / "parts").output
