import dataclasses
import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from ganad_tf.cli.tables import print_evaluation
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.data.splits import Split
from ganad_tf.evaluation.evaluate import auroc_by_kind, auroc_of_kinds, measure, sheet_rows
from ganad_tf.evaluation.metrics import auroc, bootstrap
from ganad_tf.run import Run

KINDS = ("scratch", "good", "stain", "dent", "of no image")
GOOD = 1


def scored_split(counts=(40, 60, 30, 1), distances=(1.0, 0.0, 3.0, 2.0)):
    """A split of blank images, and scores: noise, and on anomalies a distance of their kind."""
    kinds = np.repeat(np.arange(len(counts)), counts)
    rng = np.random.default_rng(0)
    scores = rng.normal(0, 1, len(kinds)) + np.array(distances)[kinds]
    order = rng.permutation(len(kinds))
    blank = np.full(len(kinds), "")
    images = np.zeros((len(kinds), 1, 1, 1), np.uint8)
    return Split(LabeledImages(images, kinds[order], KINDS, blank, blank, order), GOOD), scores[
        order
    ]


def test_each_kind_is_measured_against_all_normal_images() -> None:
    split, scores = scored_split()
    figures = auroc_by_kind(split, scores)
    assert list(figures) == ["scratch", "stain", "dent"]
    for name, estimate in figures.items():
        kind = KINDS.index(name)
        chosen = np.isin(split.data.kinds, [kind, GOOD])
        expected = roc_auc_score(split.data.kinds[chosen] == kind, scores[chosen])
        assert estimate.value == pytest.approx(expected)
        assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1


def test_the_interval_agrees_with_the_bootstrap() -> None:
    split, scores = scored_split((200, 300, 100, 5))
    mine = auroc_of_kinds(split, scores, {"scratch", "stain", "dent"})
    other = bootstrap(auroc, split.is_anomaly, scores, split.data.groups)
    assert mine.value == pytest.approx(other.value)
    assert mine.low == pytest.approx(other.low, abs=0.005)
    assert mine.high == pytest.approx(other.high, abs=0.005)


def test_a_single_image_of_a_kind_says_nothing_certain() -> None:
    split, scores = scored_split()
    dent = auroc_by_kind(split, scores)["dent"]
    assert (dent.low, dent.high) == (0, 1)


def test_seen_and_unseen_kinds_are_measured_apart() -> None:
    split, scores = scored_split()
    evaluation = measure(split, scores, 1.0, 0.01, ("stain", "dent"))
    assert evaluation.unseen_kinds == ("stain", "dent")
    assert evaluation.seen_auroc == evaluation.auroc_by_kind["scratch"]
    assert evaluation.unseen_auroc == auroc_of_kinds(split, scores, {"stain", "dent"})
    plain = measure(split, scores, 1.0, 0.01)
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


def test_the_table_says_how_many_parts_the_intervals_are_over(
    capsys: pytest.CaptureFixture,
) -> None:
    split, scores = scored_split()
    print_evaluation(measure(split, scores, 1.0, 0.01))
    assert capsys.readouterr().out.startswith("test split [95 % interval]")
    data = dataclasses.replace(split.data, groups=split.data.groups // 2)
    print_evaluation(measure(dataclasses.replace(split, data=data), scores, 1.0, 0.01))
    expected = "test split, 131 pictures of 66 parts [95 % interval]"
    assert capsys.readouterr().out.startswith(expected)


def test_parts_with_several_pictures_get_an_auroc_of_their_own(
    capsys: pytest.CaptureFixture,
) -> None:
    split, scores = scored_split()
    assert measure(split, scores, 1.0, 0.01).auroc_of_parts is None
    twice = dataclasses.replace(split, data=split.data.take(np.repeat(np.arange(131), 2)))
    noise = np.random.default_rng(1).normal(0, 0.5, 131)
    noisy = np.stack([scores + noise, scores - noise], axis=1).ravel()
    evaluation = measure(twice, noisy, 1.0, 0.01)
    assert evaluation.auroc_of_parts is not None
    assert evaluation.auroc_of_parts.value == auroc(split.is_anomaly, scores)
    assert evaluation.auroc.value < evaluation.auroc_of_parts.value
    print_evaluation(evaluation)
    assert "AUROC of parts, by mean score" in capsys.readouterr().out


def test_a_sheet_shows_a_part_once_however_many_pictures_it_has() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.1, 0.2, 0.6, 0.5])
    is_anomaly = np.array([True, True, True, True, False, False, False])
    parts = np.array([1, 1, 2, 1, 3, 4, 4])
    rows = {title: indices.tolist() for title, indices in sheet_rows(is_anomaly, scores, parts)}
    assert rows == {
        "normal, best": [4, 6],
        "normal, worst": [5, 4],
        "anomaly, best": [0, 2],
        "anomaly, worst": [3, 2],
    }


def test_the_table_names_the_kinds_worst_first(capsys: pytest.CaptureFixture) -> None:
    split, scores = scored_split()
    evaluation = measure(split, scores, 1.0, 0.01, ("stain",))
    print_evaluation(evaluation)
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("AUROC by kind of anomaly, worst first") + 1
    names = [line[:18].strip() for line in lines[start:]]
    assert names[-2:] == ["all seen kinds", "all unseen kinds"]
    assert set(names[:-2]) == {"scratch", "stain, unseen", "dent"}
    assert names[0] == "scratch"


def test_a_single_kind_gets_no_table_of_its_own(capsys: pytest.CaptureFixture) -> None:
    split, scores = scored_split()
    evaluation = measure(split, scores, 1.0, 0.01)
    one = {"scratch": evaluation.auroc_by_kind["scratch"]}
    print_evaluation(dataclasses.replace(evaluation, auroc_by_kind=one))
    assert "by kind" not in capsys.readouterr().out
