"""PatchCore on a pretrained network: what is kept of good patches, distances, table, command."""

import importlib.util
import json
import statistics
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from tests.support.parts import write_marked_parts
from tests.support.tables import invoke, write_results
from tools.experiments import patchcore
from tools.experiments.baselines.patchcore import MemoryBank, farthest_points
from tools.experiments.results import Results
from tools.experiments.table import Cell

SETTINGS = "[data]\nsize = 64\ntile = 32\ntest_fraction = 0.4\n"
has_network = pytest.mark.skipif(
    importlib.util.find_spec("triton") is not None
    or any(importlib.util.find_spec(name) is None for name in patchcore.PACKAGES),
    reason="needs the extra pretrained, with the CPU build of torch",
)


def make(folder: Path, data_dir: Path) -> Result:
    (folder / "settings.toml").write_text(SETTINGS)
    places = {"config": folder / "settings.toml", "out": folder / "out", "runs": folder / "runs"}
    options = {**places, "data-dir": data_dir, "seeds": 2}
    return invoke(
        "patchcore", *(w for name, value in options.items() for w in (f"--{name}", value))
    )


@given(
    hnp.arrays(np.float32, (12, 3), elements=st.floats(-8, 8, width=16)),
    st.integers(1, 12),
)
def test_each_point_chosen_is_the_farthest_from_those_before(
    points: np.ndarray, count: int
) -> None:
    chosen = farthest_points(points, count)
    assert len(chosen) == min(count, len(np.unique(points, axis=0)))
    apart = cdist(points.astype(np.float64), points.astype(np.float64))
    for number in range(1, len(chosen)):
        to_chosen = apart[:, chosen[:number]].min(axis=1)
        assert to_chosen[chosen[number]] == pytest.approx(to_chosen.max(), rel=1e-5)


def test_distances_are_those_to_the_nearest_patch_kept() -> None:
    rng = np.random.default_rng(0)
    good, tested = rng.standard_normal((2, 5000, 10)).astype(np.float16)
    bank = MemoryBank(good, 300, seed=1)
    assert len(bank.patches) == 300
    nearest = NearestNeighbors(n_neighbors=1).fit(bank.patches)
    expected = nearest.kneighbors(tested.astype(np.float32))[0][:, 0]
    np.testing.assert_allclose(bank.distances(tested), expected, rtol=1e-4)
    np.testing.assert_allclose(bank.distances(bank.patches), 0, atol=0.01)


def test_a_bank_that_keeps_all_knows_every_good_patch() -> None:
    good = np.random.default_rng(0).standard_normal((50, 4)).astype(np.float32)
    np.testing.assert_allclose(MemoryBank(good, 100, seed=0).distances(good), 0, atol=0.01)


def test_results_that_are_there_fill_the_table(tmp_path: Path) -> None:
    write_marked_parts(tmp_path / "parts", 64)
    place = {"data": {"dataset": "folder", "data_dir": str(tmp_path / "parts")}}
    table = patchcore.patchcore_table((tomllib.loads(SETTINGS), place), 2, "")

    def figures(cell: Cell) -> dict[str, Any]:
        auroc = (0.8, 0.9)[cell.config.seed]
        evaluation = {
            "auroc_of_parts": {"value": auroc + 0.01},
            "auroc_by_kind": {"stain": {"value": auroc - 0.01}},
        }
        return {"float_auroc": {"value": auroc}, "evaluation": evaluation}

    write_results(table, tmp_path / "out", figures)
    result = make(tmp_path, tmp_path / "parts")
    assert result.exit_code == 0, result.output
    assert "2 jobs, 2 of them done already" in result.output
    deviation = statistics.stdev((0.8, 0.9))
    whole, parts, stain = (f"{mean:.3f} ± {deviation:.3f}" for mean in (0.85, 0.86, 0.84))
    lines = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert lines[0] == "| method | seeds | AUROC | of parts |"
    assert lines[2] == f"| PatchCore | 0, 1 | {whole} | {parts} |"
    assert lines[6] == "| method | stain |"
    assert lines[8] == f"| PatchCore | {stain} |"


def test_a_missing_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patchcore, "PACKAGES", ("no_such_network",))
    write_marked_parts(tmp_path / "parts", 64)
    result = make(tmp_path, tmp_path / "parts")
    assert result.exit_code == 2
    assert "error: no_such_network not installed: pip install" in result.output
    assert not (tmp_path / "out").exists()


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    result = make(tmp_path, tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@has_network
def test_patches_are_the_same_alone_and_in_colour() -> None:
    from tools.experiments.baselines.imagenet import PatchFeatures

    features = PatchFeatures()
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 1), np.uint8)
    patches = features(images)
    assert patches.shape[:2] == (3, 64)
    np.testing.assert_allclose(features(images[1:2])[0], patches[1], atol=0.02)
    np.testing.assert_allclose(features(images.repeat(3, axis=3)), patches, atol=0.02)


@has_network
@pytest.mark.slow
def test_each_split_is_measured_once(tmp_path: Path) -> None:
    write_marked_parts(tmp_path / "parts", 64)
    result = make(tmp_path, tmp_path / "parts")
    assert result.exit_code == 0, result.output
    measured = Results(tmp_path / "out").read()
    assert [row["config"]["seed"] for row in measured.values()] == [0, 1]
    for row in measured.values():
        assert 0.5 < row["float_auroc"]["value"] <= 1
        assert str(tmp_path) not in json.dumps(row)
    assert "2 jobs, 2 of them done already" in make(tmp_path, tmp_path / "parts").output
