"""The report in a real browser."""

import base64
import dataclasses
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from matplotlib import colormaps
from PIL import Image
from selenium import webdriver
from selenium.webdriver.common.by import By

from ganad_station.fitting import Box
from ganad_tf.cli import cli
from ganad_tf.evaluation.frames import Frame
from ganad_tf.evaluation.measure import read_evaluation
from ganad_tf.evaluation.scoring import Scorer
from ganad_tf.report import figures
from ganad_tf.report.exports import describe_outcomes, exported_files
from ganad_tf.run import Run
from ganad_tf.system.files import read_json, write_json


@pytest.fixture(scope="module")
def report(
    small_run: Run, bundles: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The report of a copy of `small_run` in a folder of its own."""
    assert bundles
    folder = tmp_path_factory.mktemp("report") / "<b>run & co"
    shutil.copytree(small_run.folder, folder)
    result = CliRunner().invoke(cli, ["report", "--run", str(folder)])
    assert result.exit_code == 0, result.output
    assert str(folder / "report.html") in result.output
    return folder / "report.html"


@pytest.fixture
def page(browser: webdriver.Chrome, report: Path, tmp_path: Path) -> webdriver.Chrome:
    """The report, alone in a folder, as somebody gets it who has nothing else of the run."""
    shutil.copy(report, tmp_path / "report.html")
    browser.get((tmp_path / "report.html").as_uri())
    return browser


def rows(page: webdriver.Chrome, table: str) -> list[list[str]]:
    found = page.find_elements(By.CSS_SELECTOR, f"#{table} tr")
    return [[cell.text for cell in row.find_elements(By.CSS_SELECTOR, "td")] for row in found[1:]]


def test_the_page_needs_nothing_else_and_complains_of_nothing(page: webdriver.Chrome) -> None:
    assert page.title == "<b>run & co: report"
    assert page.get_log("browser") == []
    pictures = page.find_elements(By.TAG_NAME, "img")
    assert len(pictures) >= 4
    for picture in pictures:
        assert picture.get_property("complete")
        assert int(str(picture.get_property("naturalWidth"))) > 300
        assert str(picture.get_property("src")).startswith("data:image/png;base64,")
    assert "http" not in page.page_source.replace("http-equiv", "")


@pytest.mark.parametrize("width", [1280, 400])
def test_the_page_fits_the_window(page: webdriver.Chrome, width: int) -> None:
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_figures_are_those_of_the_run(page: webdriver.Chrome, small_run: Run) -> None:
    metrics = read_json(small_run.metrics_path, "")
    assert page.find_element(By.ID, "auroc").text.startswith(f"{metrics['auroc']['value']:.4f}")
    test = small_run.splits.test
    scores = Scorer.of(small_run).scores(test.data.images)
    rejected = scores > metrics["threshold"]
    good, bad = ~test.is_anomaly, test.is_anomaly
    counts = [[str((side & out).sum()) for out in (~rejected, rejected)] for side in (good, bad)]
    sizes = [str(side.sum()) for side in (good, bad)]
    assert rows(page, "confusion") == [
        ["good", *counts[0], sizes[0]],
        ["defective", *counts[1], sizes[1]],
    ]
    kinds = rows(page, "kinds")
    assert len(kinds) == len(metrics["auroc_by_kind"]) == 9
    for name, count, found, auroc in kinds:
        members = test.data.kinds == test.data.kind_names.index(name)
        assert (int(count), int(found)) == (members.sum(), (rejected & members).sum())
        assert auroc.startswith(f"{metrics['auroc_by_kind'][name]['value']:.4f}")
    recalls = rows(page, "recall")
    assert [float(row[0].removesuffix(" %")) for row in recalls] == [0.1, 1, 10]
    assert recalls[0][1] == f"0.1 % takes 1,000 good parts, there are {sizes[0]}"
    assert recalls[2][1].startswith(f"{metrics['recall_at']['0.1']['value']:.3f}")
    assert page.find_element(By.ID, "verdict").text == read_evaluation(small_run).verdict


def test_exported_files_are_there_with_their_time(
    page: webdriver.Chrome, bundles: dict[str, Path]
) -> None:
    files = {row[0]: row for row in rows(page, "files")}
    assert "cpu/model.tflite" in files
    assert "coral/model.tflite" in files
    verification = read_json(bundles["cpu"] / "verification" / "model.tflite.json", "")
    row = files["cpu/model.tflite"]
    assert row[1] == verification["outcome"] == "verified"
    assert row[2] == f"{verification['exported_auroc']:.5f}"
    assert float(row[6]) > 0


def test_it_opens_with_what_was_proved_of_the_files(page: webdriver.Chrome) -> None:
    (told,) = (found.text for found in page.find_elements(By.CLASS_NAME, "outcome"))
    assert told.startswith("All 5 exported files decide as the model they came from in ")
    assert told.endswith(" of 539 test pictures: verified.")


def write_evidence(folder: Path, name: str, **figures: object) -> None:
    """Write what `verify` of version 0.1.0 wrote, with some figures changed or added."""
    bundle, file = name.split("/")
    difference = {"value": 0.0, "low": -0.001, "high": 0.001}
    flips = {"flipped_to_reject": 0, "flipped_to_accept": 0}
    first = {"is_verified": True, "images": 119, "exported_auroc": 0.9, "exported_bytes": 9}
    path = folder / "bundles" / bundle / "verification" / f"{file}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {**first, **flips, "difference": difference, **figures})


def test_each_outcome_has_a_sentence(small_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    rejects = "LiteRT: false rejects rise by 9.4 points, more than 2.0 points"
    bad = {"flipped_to_reject": 23, "flipped_to_accept": 1}
    write_evidence(
        folder,
        "coral/model.tflite",
        is_verified=False,
        outcome="failed",
        reason=rejects,
        runtimes={"LiteRT": {"flipped_to_reject": 0, "flipped_to_accept": 2}, "other": bad},
    )
    write_evidence(folder, "cpu/model.onnx", outcome="verified", reason="")
    write_evidence(folder, "cpu/model.tflite", outcome="verified", reason="", flipped_to_accept=1)
    write_evidence(folder, "old/model.onnx")
    write_evidence(folder, "old/model.tflite", is_verified=False)
    told = describe_outcomes(exported_files(Run.open(folder), small_run.splits.test.data.images))
    decides, earlier = "decides as the model it came from in", "by the AUROC alone, as earlier"
    expected = (
        ("failed", f"The file coral/model.tflite {decides} 95 of 119 test pictures: failed ("),
        ("verified", "The files cpu/model.onnx and cpu/model.tflite decide as the model they "),
        ("verified", f"The file old/model.onnx {decides} 119 of 119 test pictures: verified ("),
        ("failed", f"The file old/model.tflite {decides} 119 of 119 test pictures: failed ("),
    )
    assert [outcome for _, outcome in told] == [outcome for outcome, _ in expected]
    for (sentence, _), (_, beginning) in zip(told, expected, strict=True):
        assert sentence.startswith(beginning)
    coral, cpu, *old = (sentence for sentence, _ in told)
    assert coral.endswith(f": failed ({rejects}).")
    assert cpu.endswith("came from in at least 118 of 119 test pictures: verified.")
    assert all(sentence.endswith(f"({earlier} versions did; verify it again).") for sentence in old)
    write_evidence(folder, "old/model.onnx", images=None)
    result = CliRunner().invoke(cli, ["report", "--run", str(folder)])
    assert result.exit_code == 2
    assert "model.onnx.json: images must be an integer" in result.output
    assert "ganad-tf verify" in result.output


def test_all_sheets_have_the_scale_that_the_page_states(
    page: webdriver.Chrome, small_run: Run
) -> None:
    notes = [note.text for note in page.find_elements(By.CLASS_NAME, "note")]
    (scale,) = {note.split("one color scale, ")[1] for note in notes if "color scale" in note}
    # The digits have pixels whose error is the largest possible one.
    assert Scorer.of(small_run).error_maps(small_run.splits.test.data.images).max() > 0.995
    assert scale == "from 0 to 1."


def test_an_error_has_the_same_color_in_every_sheet() -> None:
    images, frames = np.zeros((2, 16, 16, 1), np.uint8), [Frame(Box(0, 0, 16, 16), 1.0)] * 2
    expected = np.round(255 * np.array(colormaps["inferno"](0.5)[:3]))
    for other in (0.0, 0.4):
        errors = np.stack(
            [np.full((16, 16), 0.2, np.float32), np.full((16, 16), other, np.float32)]
        )
        _, content = figures.cases(images, errors, 0.4, None, frames, ["a", "b"]).split(",")
        with Image.open(io.BytesIO(base64.b64decode(content))) as sheet:
            pixels = np.asarray(sheet.convert("RGB")).astype(int)
        assert (np.abs(pixels - expected).max(axis=2) <= 2).sum() > 10_000


def test_what_was_configured_is_there(page: webdriver.Chrome, small_run: Run) -> None:
    shown = page.find_element(By.ID, "configuration").text
    assert f"epochs = {small_run.config.train.epochs}" in shown
    assert "data_dir" not in shown


def test_a_run_that_is_not_evaluated_is_refused(small_run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("metrics.json"))
    result = CliRunner().invoke(cli, ["report", "--run", str(folder)])
    assert result.exit_code == 2
    assert "is not evaluated: ganad-tf evaluate --run" in result.output


def test_names_with_special_characters_are_shown_verbatim(small_run: Run, tmp_path: Path) -> None:
    from ganad_tf.report import write_report

    splits = small_run.splits
    data = dataclasses.replace(
        splits.test.data,
        kind_names=tuple(f"<i>{name}</i> $_{name}" for name in splits.test.data.kind_names),
    )
    folder = tmp_path / "run"
    shutil.copytree(small_run.folder, folder, ignore=shutil.ignore_patterns("bundles"))
    metrics = read_json(folder / "metrics.json", "")
    metrics["auroc_by_kind"] = {
        f"<i>{name}</i> $_{name}": value for name, value in metrics["auroc_by_kind"].items()
    }
    write_json(folder / "metrics.json", metrics)
    run = Run.open(folder)
    run.splits = dataclasses.replace(splits, test=dataclasses.replace(splits.test, data=data))
    text = write_report(run).read_text()
    assert "<i>" not in text
    assert "&lt;i&gt;1&lt;/i&gt; $_1" in text
    assert "ganad-tf export --int8" in text
