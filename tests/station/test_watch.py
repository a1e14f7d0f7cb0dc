"""`watch` in processes that are killed, starved of disk and fed with half a picture."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ganad_station.journal.reader import JournalReader
from ganad_station.journal.records import Stamp
from ganad_station.journal.writer import Journal
from ganad_station.watching.arrivals import PATIENCE_SECONDS, Arrivals, scan_folder
from ganad_station.watching.recent_heatmaps import NEWEST, NEWEST_NG, RecentHeatmaps
from tests.support.journals import add_part
from tests.support.programs import assert_one_line_error
from tests.support.stations import Station, files, records, set_outcome, watch

OLD, NEW = Stamp(1, 1), Stamp(2, 2)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "in"
    path.mkdir()
    return path


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def assert_ends_with_one_line(station: Station, *words: str) -> None:
    code = station.process.wait(timeout=60)
    result = subprocess.CompletedProcess([], code, station.output, station.errors)
    assert_one_line_error(result, *words)


@pytest.fixture
def pictures(part_pictures: Path) -> list[Path]:
    return sorted(part_pictures.iterdir())


def test_a_picture_is_ready_when_two_looks_saw_the_same() -> None:
    arrivals = Arrivals(lambda *_: False)
    assert arrivals.ready({"a.png": OLD}, 0) == []
    assert arrivals.ready({"a.png": NEW}, 1) == []
    assert arrivals.ready({"a.png": NEW, "b.png": OLD}, 2) == [("a.png", NEW)]
    assert arrivals.ready({"a.png": NEW, "b.png": OLD}, 3) == [("b.png", OLD), ("a.png", NEW)]
    arrivals.set_done("a.png")
    assert arrivals.ready({"a.png": NEW, "b.png": OLD}, 4) == [("b.png", OLD)]
    assert arrivals.ready({"b.png": NEW}, 5) == []


def test_a_broken_picture_is_tried_again_when_it_changes_and_once_at_the_end() -> None:
    arrivals = Arrivals(lambda *_: False)
    arrivals.ready({"a.png": OLD}, 0)
    arrivals.set_broken("a.png")
    assert arrivals.ready({"a.png": OLD}, 1) == []
    assert arrivals.ready({"a.png": NEW}, 2) == []
    assert arrivals.ready({"a.png": NEW}, 3) == [("a.png", NEW)]
    arrivals.set_broken("a.png")
    assert arrivals.ready({"a.png": NEW}, 4) == []
    late = 2 + PATIENCE_SECONDS
    assert arrivals.ready({"a.png": NEW}, late) == [("a.png", NEW)]
    assert arrivals.is_final("a.png", late)


def test_what_the_journal_knows_is_not_ready_again() -> None:
    arrivals = Arrivals(lambda _, stamp: stamp == OLD)
    for now in range(3):
        assert arrivals.ready({"a.png": OLD}, now) == []
    arrivals.ready({"a.png": NEW}, 3)
    assert arrivals.ready({"a.png": OLD}, 4) == []
    assert arrivals.ready({"a.png": NEW}, 5) == []
    assert arrivals.ready({"a.png": NEW}, 6) == [("a.png", NEW)]


def test_only_pictures_are_found(folder: Path) -> None:
    inside = folder / "results"
    for name in ("a.PNG", "b.txt", ".c.png", "sub/d.jpg", ".sub/e.png", "results/heatmaps/1.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"12")
    (folder / "sub" / "loop").symlink_to(folder)
    (folder / "self.png").symlink_to("self.png")
    (folder / "link.png").symlink_to("a.PNG")
    os.mkfifo(folder / "pipe.png")
    (folder / "folder.png").mkdir()
    scan = scan_folder(folder, inside)
    assert sorted(scan.files) == ["a.PNG", "link.png", "sub/d.jpg"]
    assert scan.files["a.PNG"] == Stamp(2, (folder / "a.PNG").stat().st_mtime_ns)
    assert scan.problem is None
    assert "is not there" in str(scan_folder(folder / "none", inside).problem)


def test_the_heat_maps_that_are_shown_are_kept(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal:
        for index in range(80):
            add_part(journal, 0.05 if index % 10 == 0 else 0.01)
        (tmp_path / "heatmaps" / ".123.7.png").write_bytes(b"left by a kill")
        RecentHeatmaps(tmp_path).prune(journal)
        shown = journal.newest(NEWEST) + journal.newest_with("NG", NEWEST_NG)
    names = {path.name for path in (tmp_path / "heatmaps").iterdir()}
    assert names == {f"{part.id}.png" for part in shown}
    assert len(names) == 26


def test_each_picture_becomes_one_result(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    shutil.copytree(pictures[0].parent, folder / "shift 1")
    with watch(bundle_folder, folder, out) as station:
        station.wait_for(lambda: len(records(out)) == 20)
        shutil.copy(pictures[0], folder / "later.png")
        station.wait_for(lambda: len(records(out)) == 21)
        assert station.terminate() == 0
        assert len(station.output.splitlines()) == 21
    results = records(out)
    assert [result["id"] for result in results] == list(range(1, 22))
    assert sorted(files(out)[:20]) == [f"shift 1/{path.name}" for path in pictures]
    for result in results:
        assert result["decision"] == ("NG" if result["score"] > result["threshold"] else "OK")
        assert result["size"] == (folder / result["file"]).stat().st_size
        assert result["error"] is None
        assert result["seconds"] > 0
    assert len(list(folder.rglob("*.png"))) == 21
    assert (out / "heatmaps" / "21.png").read_bytes().startswith(b"\x89PNG")
    with watch(bundle_folder, folder, out) as station:
        shutil.copy(pictures[1], folder / "after the restart.png")
        station.wait_for(lambda: len(records(out)) == 22)
        assert station.terminate() == 0
    assert files(out)[21] == "after the restart.png"
    assert records(out)[:21] == results


def test_what_is_known_of_the_model_is_recorded(copied: Path, folder: Path, out: Path) -> None:
    set_outcome(copied, "model.tflite", "undecided", "8 parts a class would do")
    record = out / "model.json"
    with watch(copied, folder, out) as station:
        station.wait_for(record.exists)
        assert station.terminate() == 0
        assert station.errors.count("model.tflite is undecided in its verification") == 1
    assert json.loads(record.read_text()) == {
        "file": "model.tflite",
        "runtime": "ai_edge_litert",
        "outcome": "undecided",
        "doubt": "is undecided in its verification (8 parts a class would do)",
    }
    set_outcome(copied, "model.tflite", "verified")
    with watch(copied, folder, out) as station:
        station.wait_for(lambda: json.loads(record.read_text())["outcome"] == "verified")
        assert json.loads(record.read_text())["doubt"] is None
        assert station.terminate() == 0


def test_kills_at_random_moments_lose_nothing_and_repeat_nothing(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    rng = random.Random(0)  # noqa: S311
    expected = set()
    for _ in range(8):
        for picture in pictures * 2:
            name = f"{len(expected):04d}.png"
            shutil.copy(picture, folder / name)
            expected.add(name)
        with watch(bundle_folder, folder, out) as station:
            before = len(records(out))
            station.wait_for(lambda: len(records(out)) > before)  # noqa: B023
            time.sleep(rng.random() * 0.2)
            station.process.send_signal(signal.SIGKILL)
    with watch(bundle_folder, folder, out) as station:
        station.wait_for(lambda: len(records(out)) >= len(expected))
        assert station.terminate() == 0
    assert sorted(files(out)) == sorted(expected)
    assert [record["id"] for record in records(out)] == list(range(1, len(expected) + 1))
    with JournalReader.open(out) as journal:
        assert [part._asdict() for part in journal.after(0, 1000)] == records(out)
        assert sum(journal.counts().values()) == len(expected)


def test_a_picture_that_is_still_being_written_waits(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    content = pictures[0].read_bytes()
    with watch(bundle_folder, folder, out) as station:
        with (folder / "slow.png").open("wb", buffering=0) as file:
            for start in range(0, len(content), 60):
                file.write(content[start : start + 60])
                time.sleep(0.3)
        station.wait_for(lambda: records(out))
        shutil.copy(pictures[1], folder / "next.png")
        station.wait_for(lambda: "next.png" in files(out))
        assert station.terminate() == 0
    assert files(out) == ["slow.png", "next.png"]
    assert records(out)[0]["error"] is None


def test_a_picture_that_is_overwritten_is_a_new_part(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    with watch(bundle_folder, folder, out) as station:
        for count, picture in enumerate(pictures[:3], start=1):
            shutil.copy(picture, folder / "camera.png")
            station.wait_for(lambda: len(records(out)) == count)  # noqa: B023
        assert station.terminate() == 0
    assert files(out) == ["camera.png"] * 3
    assert len({record["score"] for record in records(out)}) == 3


def test_a_broken_picture_is_one_result_with_its_error(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    (folder / "cut.png").write_bytes(pictures[0].read_bytes()[:-60])
    (folder / "empty.png").write_bytes(b"")
    with watch(bundle_folder, folder, out) as station:
        station.wait_for(lambda: len(records(out)) == 2)
        shutil.copy(pictures[0], folder / "cut.png")
        station.wait_for(lambda: len(records(out)) == 3)
        assert station.terminate() == 0
    assert sorted(files(out)[:2]) == ["cut.png", "empty.png"]
    for record in records(out)[:2]:
        assert record["decision"] == "ERROR"
        assert record["score"] is None
        assert record["file"] in record["error"]
    assert records(out)[2]["file"] == "cut.png"
    assert records(out)[2]["error"] is None


def test_file_names_may_be_any_bytes(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    name = os.fsdecode(b"new\nline \xff.png")
    shutil.copy(pictures[0], folder / name)
    with watch(bundle_folder, folder, out) as station:
        station.wait_for(lambda: records(out))
        assert station.terminate() == 0
        assert len(station.output.splitlines()) == 1
    assert files(out) == [name]


def test_a_folder_that_goes_away_is_waited_for(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    with watch(bundle_folder, folder, out) as station:
        station.wait_for((out / "heatmaps").exists)
        folder.rename(folder.with_name("unmounted"))
        station.wait_for(lambda: "is not there" in station.errors)
        folder.with_name("unmounted").rename(folder)
        shutil.copy(pictures[0], folder)
        station.wait_for(lambda: records(out))
        assert station.terminate() == 0
        notices = [line for line in station.errors.splitlines() if line.startswith("folder: ")]
        assert len(notices) == 2


def test_a_second_watch_is_refused(bundle_folder: Path, folder: Path, out: Path) -> None:
    with watch(bundle_folder, folder, out) as station:
        station.wait_for((out / "heatmaps").exists)
        arguments = ("--bundle", bundle_folder, "watch", folder, "--out", out)
        with Station(out.with_name("second"), *arguments) as second:
            assert_ends_with_one_line(second, "in use by another watch")
        assert station.process.poll() is None


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (("none", "--out", "results"), "is not a folder"),
        ((".", "--out", "."), "FOLDER is --out or inside it"),
        ((".", "--out", "results", "--poll", "0"), "--poll"),
        ((".", "--out", "results", "--poll", "nan"), "--poll"),
        ((".", "--out", "results", "--queue", "0"), "--queue"),
        ((".", "--out", "results", "--webhook", "ftp://host/"), "--webhook"),
        ((".", "--out", "results", "--mqtt", "mqtt://host"), "--mqtt"),
    ],
)
def test_wrong_options_are_one_line(
    bundle_folder: Path, tmp_path: Path, options: tuple[str, ...], word: str
) -> None:
    arguments = ("--bundle", bundle_folder, "watch", *options)
    with Station(tmp_path / "logs", *arguments, cwd=tmp_path) as station:
        assert_ends_with_one_line(station, word)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 12 MiB."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=12m", "none", str(path)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_ends_it_and_space_lets_it_go_on(
    bundle_folder: Path, folder: Path, small_disk: Path, pictures: list[Path]
) -> None:
    out, ballast = small_disk / "out", small_disk / "ballast"
    logs = folder.with_name("logs")
    command = ["--bundle", bundle_folder, "watch", folder, "--out", out, "--poll", "0.1"]
    with Station(logs, *command) as station:
        station.wait_for((out / "heatmaps").exists)
        ballast.write_bytes(bytes(shutil.disk_usage(small_disk).free - 200_000))
        for index in range(100):
            shutil.copy(pictures[index % 20], folder / f"{index:03d}.png")
        assert_ends_with_one_line(station, "free space")
    done = len(records(out))
    assert 0 < done < 100
    with Station(logs, *command) as station:
        assert_ends_with_one_line(station, "free space")
    ballast.unlink()
    with Station(logs, *command) as station:
        station.wait_for(lambda: len(records(out)) >= 100)
        assert station.terminate() == 0
    assert sorted(files(out)) == [f"{index:03d}.png" for index in range(100)]


def test_files_that_cannot_grow_lose_nothing(
    bundle_folder: Path, folder: Path, out: Path, pictures: list[Path]
) -> None:
    for index in range(60):
        shutil.copy(pictures[index % 20], folder / f"{index:03d}.png")

    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    with watch(bundle_folder, folder, out, preexec_fn=limit_files) as station:
        assert_ends_with_one_line(station, "free space")
    assert len(records(out)) < 60
    with watch(bundle_folder, folder, out) as station:
        station.wait_for(lambda: len(records(out)) >= 60)
        assert station.terminate() == 0
    assert sorted(files(out)) == [f"{index:03d}.png" for index in range(60)]
