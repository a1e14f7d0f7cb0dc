import csv
import json
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from ganad_tf.cli import cli
from ganad_tf.evaluation.folder import BATCH, score_pictures
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.run import Run
from ganad_tf.system.files import read_json


def score(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["score", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result.exit_code, result.output


def test_the_table_has_the_scores_of_the_evaluation(
    small_run: Run, part_pictures: Path, tmp_path: Path
) -> None:
    table, heatmaps = tmp_path / "scores.csv", tmp_path / "maps"
    code, output = score(
        part_pictures, "--run", small_run.folder, "--out", table, "--heatmaps", heatmaps
    )
    assert code == 0, output
    data = small_run.splits.test.data
    expected = Scorer.of(small_run).scores(data.images[:20])
    threshold = read_json(small_run.metrics_path, "")["threshold"]
    with table.open() as file:
        rows = {row["file"]: row for row in csv.DictReader(file)}
    assert len(rows) == 20
    for name, row in rows.items():
        index = int(name.rpartition("-")[2].removesuffix(".png"))
        assert float(row["score"]) == pytest.approx(expected[index], abs=1e-6)
        assert row["decision"] == ("NG" if float(row["score"]) > threshold else "OK")
    decided = [row["decision"] for row in rows.values()]
    assert f"OK          {decided.count('OK')}" in output
    assert len(list(heatmaps.glob("*.png"))) == 20


def test_a_single_picture_is_scored_and_run_and_threshold_are_named(
    small_run: Run, part_pictures: Path, tmp_path: Path
) -> None:
    picture = sorted(part_pictures.iterdir())[3]
    table = tmp_path / "scores.jsonl"
    code, output = score(picture, "--run", small_run.folder, "--out", table)
    assert code == 0, output
    (record,) = [json.loads(line) for line in table.read_text().splitlines()]
    assert record["file"] == picture.name
    threshold = small_run.threshold.value
    assert record["decision"] == ("NG" if record["score"] > threshold else "OK")
    assert f"threshold: {threshold:.5f}, set on the good pictures of validation" in output
    assert f"run: {small_run.folder}" in output
    torn = tmp_path / "torn.png"
    torn.write_bytes(picture.read_bytes()[:50])
    code, output = score(torn, "--run", small_run.folder, "--out", table)
    assert code == 2
    assert "warning: " in output


def test_what_cannot_be_read_is_named_and_stops_nothing(
    small_run: Run, part_pictures: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "pictures"
    (folder / "sub folder").mkdir(parents=True)
    good = sorted(part_pictures.iterdir())[0].read_bytes()
    (folder / "sub folder" / "größe 1.png").write_bytes(good)
    (folder / "a.png").write_bytes(b"")
    (folder / "b.png").write_text("no picture")
    Image.fromarray(np.full((40, 30), 40_000, np.uint16)).save(folder / "deep.tiff")
    (folder / "loop").symlink_to(folder)
    table = tmp_path / "scores.jsonl"
    code, output = score(folder, "--run", small_run.folder, "--out", table, "--any-picture")
    assert code == 2
    records = [json.loads(line) for line in table.read_text().splitlines()]
    by_file = {record["file"]: record for record in records}
    assert set(by_file) == {"a.png", "b.png", "deep.tiff", "sub folder/größe 1.png"}
    for name in ("a.png", "b.png"):
        assert by_file[name]["score"] is None
        assert name in by_file[name]["problem"]
        assert name in output
    assert by_file["deep.tiff"]["decision"] in ("OK", "NG")


def test_memory_does_not_grow_with_the_number_of_pictures(
    small_run: Run, part_pictures: Path
) -> None:
    scorer = Scorer.of(small_run)
    picture = sorted(part_pictures.iterdir())[0]

    def peak(count: int) -> int:
        tracemalloc.start()
        for _ in score_pictures(scorer, [picture] * count, 0.5):
            pass
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    peak(2 * BATCH)
    assert peak(40 * BATCH) < 2 * peak(4 * BATCH)


@pytest.mark.parametrize(
    ("table", "message"), [("scores.txt", "must end in .csv or .jsonl"), ("s.csv", "no pictures")]
)
def test_refusals(small_run: Run, tmp_path: Path, table: str, message: str) -> None:
    code, output = score(tmp_path, "--run", small_run.folder, "--out", tmp_path / table)
    assert code == 2
    assert message in output
    assert not list(tmp_path.iterdir())
