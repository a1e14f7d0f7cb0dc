"""The report in a real browser."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from selenium import webdriver
from selenium.webdriver.common.by import By

from ganad_tf.cli import cli
from ganad_tf.evaluation.measure import read_evaluation
from ganad_tf.evaluation.scoring import Scorer
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
    assert row[1] == f"{verification['exported_auroc']:.5f}"
    assert float(row[5]) > 0
    assert row[6] == verification["outcome"] == "verified"


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
