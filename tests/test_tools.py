"""The experiments run to their end and go on where they stopped."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganad_tf.runs import Run
from tools import bench_station, qat_objectives, regimes, shared_scales


@pytest.mark.slow
def test_regimes(tmp_path: Path) -> None:
    out = tmp_path / "regimes.json"
    arguments = ["--dataset", "digits", "--epochs", "1", "--seeds", "1", "--out", str(out)]
    result = CliRunner().invoke(regimes.main, arguments, catch_exceptions=False)
    assert result.output.count("| 0 |") == 4
    assert len(json.loads(out.read_text())) == 4
    again = CliRunner().invoke(regimes.main, arguments, catch_exceptions=False)
    assert again.output == result.output


@pytest.mark.slow
def test_qat_objectives(tmp_path: Path, small_run: Run, monkeypatch) -> None:
    monkeypatch.setattr(qat_objectives, "SCHEDULES", ((1, 1e-5),))
    out = tmp_path / "objectives.json"
    arguments = [str(small_run.folder), "--out", str(out)]
    result = CliRunner().invoke(qat_objectives.main, arguments, catch_exceptions=False)
    assert [line.split(" | ")[0] for line in result.output.splitlines()[2:]] == [
        "| post-training",
        "| float output",
        "| training losses",
        "| both",
    ]
    again = CliRunner().invoke(qat_objectives.main, arguments, catch_exceptions=False)
    assert again.output == result.output


@pytest.mark.slow
def test_shared_scales(tmp_path: Path, small_run: Run) -> None:
    out = tmp_path / "shared_scales.json"
    arguments = [str(small_run.folder), "--out", str(out)]
    result = CliRunner().invoke(shared_scales.main, arguments, catch_exceptions=False)
    rows = result.output.splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == [
        "| a scale each",
        "| one scale",
        "| one scale, equalized",
        "| one scale, equalized, zero point 0",
    ]
    again = CliRunner().invoke(shared_scales.main, arguments, catch_exceptions=False)
    assert again.output == result.output


@pytest.mark.slow
def test_bench_station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_station, "CASES", ((32, 1),))
    monkeypatch.setattr(bench_station, "ROUNDS", 2)
    monkeypatch.setattr(bench_station, "SECONDS_A_TURN", 0.01)
    monkeypatch.setattr(bench_station, "STARTS", 1)
    out = tmp_path / "bench.json"
    result = CliRunner().invoke(bench_station.main, ["--out", str(out)], catch_exceptions=False)
    (case,) = json.loads(out.read_text())["cases"].values()
    assert case["cold_start"]["peak_rss_mib"] > 0
    assert set(case["threads"]) == {"1", "2"}
    for name in case["threads"]["2"]["median_us"]:
        assert f"| {name} |" in result.output


def test_multiply_adds_of_the_generator_of_the_paper() -> None:
    """By hand: each kernel entry is used once a position of the smaller side."""
    encoder = 256 * 384 + 64 * 2048 + 16 * 8192 + 4 * 32768
    decoder = 4 * 32768 + 16 * 16384 + 64 * 4096 + 256 * 768
    assert bench_station.multiply_adds(32, 3) == encoder + decoder
