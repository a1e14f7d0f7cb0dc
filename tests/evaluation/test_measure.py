import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ganad_station.threshold import ORDER_STATISTIC, Threshold
from ganad_tf.cli.tables import print_evaluation
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.splits import Split
from ganad_tf.errors import UserError
from ganad_tf.evaluation.intervals import auroc_interval
from ganad_tf.evaluation.measure import auroc_by_kind, auroc_of_kinds, measure, read_evaluation
from ganad_tf.evaluation.metrics import auroc
from ganad_tf.evaluation.resampling import resampled
from ganad_tf.evaluation.scored_split import ScoredSplit
from ganad_tf.run import Run

KINDS = ("scratch", "good", "stain", "dent", "of no image")
GOOD = 1
THRESHOLD = Threshold(1.0, 0.01, ORDER_STATISTIC, "some images")


def make_scored(counts=(40, 60, 30, 1), distances=(1.0, 0.0, 3.0, 2.0)):
    """Scores of blank images: noise, plus a distance for each kind of anomaly."""
    kinds = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, len(kinds)) + np.array(distances)[kinds]
    order = rng.permutation(len(kinds))
    blank = np.full(len(kinds), "")
    images = np.zeros((len(kinds), 1, 1, 1), np.uint8)
    split = Split(LabeledImages(images, kinds[order], KINDS, blank, blank, order), GOOD)
    return ScoredSplit.of(split, scores[order])


def test_each_kind_is_measured_against_all_normal_images() -> None:
    scored = make_scored()
    figures = auroc_by_kind(scored)
    assert list(figures) == ["scratch", "stain", "dent"]
    for name, estimate in figures.items():
        kind = KINDS.index(name)
        chosen = np.isin(scored.kinds, [kind, GOOD])
        expected = roc_auc_score(scored.kinds[chosen] == kind, scored.scores[chosen])
        assert estimate.value == pytest.approx(expected)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_the_interval_agrees_with_the_percentiles_of_resamples() -> None:
    scored = make_scored((200, 300, 100, 5))
    mine = auroc_of_kinds(scored, {"scratch", "stain", "dent"})
    assert mine == auroc_interval(scored)
    values = [
        auroc(scored.is_anomaly[chosen], scored.scores[chosen])
        for chosen in resampled(scored.is_anomaly, scored.parts)
    ]
    low, high = np.percentile(values, [2.5, 97.5])
    assert mine.low == pytest.approx(low, abs=0.008)
    assert mine.high == pytest.approx(high, abs=0.008)


def test_a_single_image_of_a_kind_says_nothing_certain() -> None:
    scored = make_scored()
    dent = auroc_by_kind(scored)["dent"]
    assert (dent.low, dent.high) == (0, 1)


def test_seen_and_unseen_kinds_are_measured_apart() -> None:
    scored = make_scored()
    evaluation = measure(scored, THRESHOLD, ("stain", "dent"))
    assert evaluation.unseen_kinds == ("stain", "dent")
    assert evaluation.seen_auroc == evaluation.auroc_by_kind["scratch"]
    assert evaluation.unseen_auroc == auroc_of_kinds(scored, {"stain", "dent"})
    plain = measure(scored, THRESHOLD)
    assert plain.seen_auroc is None
    assert plain.unseen_auroc is None
    assert plain.auroc_by_kind == evaluation.auroc_by_kind


def test_metrics_of_a_run_have_every_kind(small_run: Run) -> None:
    metrics = json.loads(small_run.metrics_path.read_text())
    assert list(metrics["auroc_by_kind"]) == list("123456789")
    values = [kind["value"] for kind in metrics["auroc_by_kind"].values()]
    assert min(values) <= metrics["auroc"]["value"] <= max(values)
    assert metrics["unseen_kinds"] == []
    assert metrics["seen_auroc"] is None


def test_the_figures_of_a_run_are_read_as_they_were_written(small_run: Run) -> None:
    written = json.loads(small_run.metrics_path.read_text())
    read = dataclasses.asdict(read_evaluation(small_run))
    assert json.loads(json.dumps(read)) == written
    assert list(read) == list(written)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("auroc", 1, "auroc must be an object"),
        ("auroc", {"value": 2, "low": 0, "high": 1}, "auroc.value must be a number from 0 to 1"),
        ("recall_at", [], "recall_at must be an object"),
        ("images", None, "images must be an integer"),
    ],
)
def test_damaged_figures_are_one_line(
    small_run: Run, tmp_path: Path, key: str, value: object, message: str
) -> None:
    written = json.loads(small_run.metrics_path.read_text())
    (tmp_path / "generator.keras").touch()
    (tmp_path / "metrics.json").write_text(json.dumps({**written, key: value}))
    with pytest.raises(UserError, match=f"{message}.*: ganad-tf evaluate --run"):
        read_evaluation(Run(tmp_path, small_run.config, small_run.identity))


def test_figures_of_an_older_version_have_images_as_parts(small_run: Run, tmp_path: Path) -> None:
    written = json.loads(small_run.metrics_path.read_text())
    del written["parts"], written["auroc_of_parts"]
    counts = ("normal_images", "normal_parts", "anomalous_parts", "images_by_kind")
    for name in (*counts, "promised_false_reject_rate", "confidence", "good_parts"):
        del written[name]
    (tmp_path / "generator.keras").touch()
    (tmp_path / "metrics.json").write_text(json.dumps(written))
    read = read_evaluation(Run(tmp_path, small_run.config, small_run.identity))
    now = read_evaluation(small_run)
    assert read.parts == read.images == now.images
    assert (read.confidence, read.good_parts, read.normal_parts) == (0, 0, 0)
    assert read.promised_false_reject_rate == read.requested_false_reject_rate
    assert read.promise.endswith("promises nothing about new parts")
    assert read.auroc == now.auroc


def test_the_table_says_how_many_parts_the_intervals_are_over(
    capsys: pytest.CaptureFixture,
) -> None:
    scored = make_scored()
    print_evaluation(measure(scored, THRESHOLD))
    counts = "test split, 60 good and 71 defective pictures"
    assert f"\n{counts} [95 % interval]\n" in capsys.readouterr().out
    print_evaluation(measure(dataclasses.replace(scored, parts=scored.parts // 2), THRESHOLD))
    assert re.search(rf"\n{counts} of \d+ and \d+ parts \[", capsys.readouterr().out)


def test_parts_with_several_pictures_get_an_auroc_of_their_own(
    capsys: pytest.CaptureFixture,
) -> None:
    scored = make_scored()
    assert measure(scored, THRESHOLD).auroc_of_parts is None
    twice = scored.take(np.repeat(np.arange(131), 2))
    noise = np.random.default_rng(1).normal(0, 0.5, 131)
    noisy = np.stack([scored.scores + noise, scored.scores - noise], axis=1).ravel()
    evaluation = measure(twice.with_scores(noisy), THRESHOLD)
    assert evaluation.auroc_of_parts is not None
    assert evaluation.auroc_of_parts.value == auroc(scored.is_anomaly, scored.scores)
    assert evaluation.auroc.value < evaluation.auroc_of_parts.value
    print_evaluation(evaluation)
    assert "AUROC of parts, by mean score" in capsys.readouterr().out


def test_the_table_names_the_kinds_worst_first(capsys: pytest.CaptureFixture) -> None:
    scored = make_scored()
    evaluation = measure(scored, THRESHOLD, ("stain",))
    print_evaluation(evaluation)
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("AUROC by kind of anomaly against 60 good pictures, worst first") + 1
    assert lines[start].endswith(", 40 pictures")
    names = [line[:18].strip() for line in lines[start:]]
    assert names[-2:] == ["all seen kinds", "all unseen kinds"]
    assert set(names[:-2]) == {"scratch", "stain, unseen", "dent"}
    assert names[0] == "scratch"


def test_a_single_kind_gets_no_table_of_its_own(capsys: pytest.CaptureFixture) -> None:
    scored = make_scored()
    evaluation = measure(scored, THRESHOLD)
    one = {"scratch": evaluation.auroc_by_kind["scratch"]}
    print_evaluation(dataclasses.replace(evaluation, auroc_by_kind=one))
    assert "by kind" not in capsys.readouterr().out


def test_rates_that_the_good_parts_cannot_resolve_are_not_printed(
    capsys: pytest.CaptureFixture,
) -> None:
    evaluation = measure(make_scored(), THRESHOLD)
    assert list(evaluation.recall_at) == ["0.1"]
    print_evaluation(evaluation)
    lines = [line.split("  ") for line in capsys.readouterr().out.splitlines()]
    rows = {cells[1]: cells[-1].strip() for cells in lines if len(cells) > 2}
    assert rows["found at 0.1 % false rejects"] == "0.1 % takes 1,000 good parts, there are 60"
    assert rows["found at 1 % false rejects"] == "1 % takes 100 good parts, there are 60"
    assert rows["found at 10 % false rejects"] == f"{evaluation.recall_at['0.1']}"
    assert list(measure(make_scored((40, 1000)), THRESHOLD).recall_at) == ["0.001", "0.01", "0.1"]


def test_pictures_of_few_parts_resolve_no_more_than_these_parts() -> None:
    scored = make_scored()
    few = dataclasses.replace(scored, parts=np.where(scored.is_anomaly, scored.parts, 1000))
    assert measure(few, THRESHOLD).recall_at == {}


def test_the_figures_begin_with_the_verdict(capsys: pytest.CaptureFixture) -> None:
    scored = make_scored()
    evaluation = measure(scored, THRESHOLD)
    print_evaluation(evaluation)
    assert capsys.readouterr().out.splitlines()[0] == evaluation.verdict
    assert evaluation.verdict.startswith("Finds ")
    assert not evaluation.is_chance
    noise = scored.with_scores(np.random.default_rng(3).normal(0, 1, len(scored)))
    evaluation = measure(noise, THRESHOLD)
    assert evaluation.is_chance
    assert evaluation.verdict.startswith("No better than chance (AUROC 0.")
