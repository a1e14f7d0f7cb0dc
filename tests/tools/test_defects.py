"""The table of real defects: its rows, what they say, and what is done twice (nothing)."""

import json
import statistics
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from ganad_tf.config import to_toml
from tests.support.parts import write_marked_parts
from tools.experiments.defects import DefectTable, main

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
"""


def table_in(folder: Path, seeds: int = 2) -> DefectTable:
    data = {"dataset": "folder", "size": 64, "tile": 32}
    return DefectTable(({"data": data},), 3, seeds, folder)


def invoke(folder: Path, data_dir: Path) -> Result:
    (folder / "settings.toml").write_text(SETTINGS)
    places = {"config": folder / "settings.toml", "out": folder / "out", "runs": folder / "runs"}
    options = {**places, "data-dir": data_dir, "seeds": 1, "workers": 2}
    flags = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    return CliRunner().invoke(main, flags)


def test_rows_are_what_there_is_to_train_on(tmp_path: Path) -> None:
    table = table_in(tmp_path)
    labelled, few, synthetic = (table.config(label, 1) for label in table.rows)
    assert {config.seed for config in (labelled, few, synthetic)} == {1}
    assert (labelled.data.anomalies, labelled.data.anomaly_source) == ("balanced", "labelled")
    assert (few.data.anomalies, few.data.anomaly_source) == (15, "labelled")
    assert synthetic.data.anomaly_source == "synthetic"


def test_the_table_has_mean_and_deviation_of_the_seeds(tmp_path: Path) -> None:
    table, rng = table_in(tmp_path), np.random.default_rng(0)
    floats, stains = rng.uniform(0.8, 1, (2, 2))
    for seed in range(2):
        config = tomllib.loads(to_toml(table.config("all labelled", seed)))
        located = {"pixel_auroc": {"value": 0.9}, "aupro": {"value": 0.8}}
        evaluation = {
            "localization": located,
            "auroc_of_parts": {"value": floats[seed] + 0.01} if seed else None,
            "recall_at": {"0": {"value": 0.1}, "0.01": {"value": 0.5}},
            "auroc_by_kind": {"stain": {"value": stains[seed]}},
        }
        result = {
            "config": config,
            "float_auroc": {"value": floats[seed]},
            "int8_auroc": floats[seed] - 0.001,
            "difference": {"value": -0.001},
            "evaluation": evaluation,
        }
        table.path("all labelled", seed).write_text(json.dumps(result))
    first, second = table.write().split("AUROC by kind")
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
    rows = json.loads((tmp_path / "results.json").read_text())["rows"]
    assert rows["all labelled"]["float AUROC"] == pytest.approx(floats.tolist())
    assert rows["synthetic alone"]["float AUROC"] == []


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    result = invoke(tmp_path, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert str(tmp_path / "nowhere") in result.output
    assert "Traceback" not in result.output


@pytest.mark.slow
def test_each_row_is_trained_and_verified_once(tmp_path: Path) -> None:
    write_marked_parts(tmp_path / "parts", 64)
    result = invoke(tmp_path, tmp_path / "parts")
    assert result.exit_code == 0, result.output
    assert "3 jobs, 0 of them done already" in result.output
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    for row in results["rows"].values():
        (float_auroc,), (int8_auroc,) = row["float AUROC"], row["int8 AUROC"]
        assert 0 <= float_auroc <= 1
        assert int8_auroc - float_auroc == pytest.approx(row["difference"][0])
    assert "3 jobs, 3 of them done already" in invoke(tmp_path, tmp_path / "parts").output
