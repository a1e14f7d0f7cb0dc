"""The benchmark of stations."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from tools.bench import station as bench_station
from tools.bench import timing


@pytest.mark.slow
def test_bench_station(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench_station, "CASES", ((32, 1),))
    monkeypatch.setattr(timing, "ROUNDS", 2)
    monkeypatch.setattr(timing, "SECONDS_PER_TURN", 0.01)
    monkeypatch.setattr(bench_station, "STARTS", 1)
    out = tmp_path / "bench.json"
    result = CliRunner().invoke(bench_station.main, ["--out", str(out)], catch_exceptions=False)
    (case,) = json.loads(out.read_text())["cases"].values()
    assert case["cold_start"]["peak_rss_mib"] > 0
    assert set(case["threads"]) == {"1", "2"}
    for name in case["threads"]["2"]["median_us"]:
        assert f"| {name} |" in result.output


def test_multiply_adds_of_the_generator_of_the_paper() -> None:
    """By hand: each weight of a kernel is used once per position of the smaller of both images."""
    encoder = 256 * 384 + 64 * 2048 + 16 * 8192 + 4 * 32768
    decoder = 4 * 32768 + 16 * 16384 + 64 * 4096 + 256 * 768
    assert bench_station.multiply_adds(32, 3) == encoder + decoder
