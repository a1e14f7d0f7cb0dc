"""The experiments run to their end and go on where they stopped."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from ganad_tf.runs import Run
from tools import qat_objectives, regimes


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
