"""PatchCore on a pretrained network: what is kept of good patches, distances, table, command."""

import importlib.util
import json
import statistics
import tomllib
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from ganad_tf.config import make_config, to_toml
from tests.support.parts import write_marked_parts
from tools.experiments import patchcore
from tools.experiments.baselines.patchcore import MemoryBank, farthest_points

SETTINGS = "[data]\nsize = 64\ntile = 32\ntest_fraction = 0.4\n"
has_network = pytest.mark.skipif(
    importlib.util.find_spec("triton") is not None
    or any(importlib.util.find_spec(name) is None for name in patchcore.PACKAGES),
    reason="needs the extra pretrained, with the CPU build of torch",
)


def invoke(folder: Path, data_dir: Path) -> Result:
    (folder / "settings.toml").write_text(SETTINGS)
    options = {"config": folder / "settings.toml", "data-dir": data_dir, "out": folder / "out"}
    flags = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
    return CliRunner().invoke(patchcore.main, [*flags, "--seeds", "2"])


def made_up(data_dir: Path, seed: int, auroc: float) -> dict:
    place = {"data": {"dataset": "folder", "data_dir": str(data_dir)}}
    config = make_config(tomllib.loads(SETTINGS), place, {"seed": seed})
    return {
        "config": tomllib.loads(to_toml(config.portable())),
        "float_auroc": {"value": auroc},
        "auroc_of_parts": {"value": auroc + 0.01},
        "auroc_by_kind": {"stain": {"value": auroc - 0.01}},
    }


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
    (tmp_path / "out").mkdir()
    for seed, auroc in enumerate((0.8, 0.9)):
        result = made_up(tmp_path / "parts", seed, auroc)
        (tmp_path / "out" / f"seed-{seed}.json").write_text(json.dumps(result))
    result = invoke(tmp_path, tmp_path / "parts")
    assert result.exit_code == 0, result.output
    assert "2 jobs, 2 of them done already" in result.output
    deviation = statistics.stdev((0.8, 0.9))
    cells = [f"{mean:.3f} ± {deviation:.3f}" for mean in (0.85, 0.86, 0.84)]
    lines = (tmp_path / "out" / "table.md").read_text().splitlines()
    assert lines[0] == "| seeds | AUROC | of parts | stain |"
    assert lines[2] == f"| 0, 1 | {' | '.join(cells)} |"


def test_a_missing_network_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patchcore, "PACKAGES", ("no_such_network",))
    write_marked_parts(tmp_path / "parts", 64)
    result = invoke(tmp_path, tmp_path / "parts")
    assert result.exit_code == 2
    assert "Error: no_such_network not installed: pip install" in result.output
    assert not (tmp_path / "out").exists()


def test_a_missing_folder_is_one_line(tmp_path: Path) -> None:
    result = invoke(tmp_path, tmp_path / "nowhere")
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
    result = invoke(tmp_path, tmp_path / "parts")
    assert result.exit_code == 0, result.output
    for seed in range(2):
        measured = json.loads((tmp_path / "out" / f"seed-{seed}.json").read_text())
        assert measured["config"]["seed"] == seed
        assert 0.5 < measured["float_auroc"]["value"] <= 1
        assert str(tmp_path) not in json.dumps(measured)
    assert "2 jobs, 2 of them done already" in invoke(tmp_path, tmp_path / "parts").output
