"""The operator's page as a web server: what it says, to whom, and from inside `station.pyz`."""

import http.client
import json
import re
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import bottle
import pytest

import ganad_station
from ganad_station.journal.writer import Journal
from ganad_station.page.guard import is_loopback
from ganad_station.page.server import Server, make_app, make_server
from ganad_station.watching.lock import FolderLock
from ganad_station.watching.running_model import RunningModel
from tests.support.journals import THRESHOLD, add_part, add_parts
from tests.support.programs import assert_one_line_error
from tests.support.stations import Station

TOKEN = "a longer secret"  # noqa: S105


@contextmanager
def serving(out: Path, token: str | None = None) -> Iterator[Server]:
    with make_server("127.0.0.1", 0, make_app(out, token)) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def get(
    server: Server, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=30)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer, answer.read()
    finally:
        connection.close()


def get_state(server: Server) -> dict:
    answer, body = get(server, "/api/state")
    assert answer.status == 200, body
    assert answer.headers["Content-Type"] == "application/json"
    return json.loads(body)


def test_before_the_first_part_there_is_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        state = get_state(server)
        answer, page = get(server, "/")
        metrics = get(server, "/metrics")[1].decode()
    assert state["latest"] is state["seconds_since_last"] is None
    assert state["is_running"] is False
    assert state["total"] == {"OK": 0, "NG": 0, "ERROR": 0}
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"<title>" in page
    assert "ganad_up 0\n" in metrics
    assert "ganad_last_score" not in metrics


def test_the_state_is_that_of_the_journal(tmp_path: Path) -> None:
    add_parts(tmp_path, 250)
    lock = FolderLock(tmp_path)
    with Journal.open(tmp_path) as journal, serving(tmp_path) as server:
        journal.set_outputs(["webhook"], 2)
        for score in (None, 0.05, 0.01):
            last = add_part(journal, score)
        lock.heartbeat()
        state = get_state(server)
        assert state["total"] == state["today"] == journal.counts()
        assert [(row["id"], row["score"]) for row in state["trend"]] == [
            (part.id, part.score) for part in reversed(journal.newest(200))
        ]
        assert [part["id"] for part in state["newest_ng"]] == [
            part.id for part in journal.newest_with("NG", 12)
        ]
        assert get(server, "/" + state["newest_ng"][0]["heatmap"])[0].status == 200
    assert state["latest"] == {**last._asdict(), "heatmap": f"heatmaps/{last.id}.png"}
    assert state["name"] == tmp_path.name
    assert state["is_running"] is True
    assert 0 <= state["seconds_since_last"] < 60
    assert state["outputs"] == [{"name": "webhook", "undelivered": 3, "is_full": True}]


def test_the_model_is_the_one_that_watch_recorded(tmp_path: Path) -> None:
    add_parts(tmp_path, 1)
    with serving(tmp_path) as server:
        assert get_state(server)["model"] is None
        assert b"ganad_model_verified" not in get(server, "/metrics")[1]
        for doubt, gauge in ((None, 1), ("is not verified", 0)):
            model = RunningModel("model.onnx", "onnxruntime", None if doubt else "verified", doubt)
            model.write(tmp_path)
            assert get_state(server)["model"] == model._asdict()
            assert f"ganad_model_verified {gauge}\n".encode() in get(server, "/metrics")[1]
        (tmp_path / "model.json").write_text("{}")
        answer, body = get(server, "/api/state")
        assert answer.status == 503
        assert body.endswith(b"model.json lacks 'file': start watch again\n")


def test_a_watch_that_ended_is_not_running(tmp_path: Path) -> None:
    add_parts(tmp_path, 1)
    with serving(tmp_path) as server:
        lock = FolderLock(tmp_path)
        lock.heartbeat()
        assert get_state(server)["is_running"] is True
        lock.release()
        assert get_state(server)["is_running"] is False


def test_metrics_are_those_of_the_journal(tmp_path: Path) -> None:
    with Journal.open(tmp_path) as journal, serving(tmp_path) as server:
        journal.set_outputs(["mqtt", "webhook"], 9)
        for score in (0.01, 0.02, 0.05, None):
            add_part(journal, score)
        journal.set_delivered("mqtt", 3)
        answer, body = get(server, "/metrics")
    assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
    lines = body.decode().splitlines()
    for line in lines:
        assert re.fullmatch(r'# (HELP|TYPE) \w+ .+|\w+(\{\w+="\w+"\})? [0-9.e+-]+', line)
    samples = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    assert samples['ganad_parts_total{decision="OK"}'] == "2"
    assert samples['ganad_parts_total{decision="NG"}'] == "1"
    assert samples['ganad_parts_total{decision="ERROR"}'] == "1"
    assert samples['ganad_undelivered_records{output="mqtt"}'] == "1"
    assert samples['ganad_undelivered_records{output="webhook"}'] == "4"
    assert float(samples["ganad_last_score"]) == 0.05
    assert float(samples["ganad_threshold"]) == THRESHOLD
    assert samples["ganad_inspection_seconds_count"] == "3"
    assert float(samples["ganad_inspection_seconds_sum"]) == pytest.approx(0.006)
    assert float(samples["ganad_last_part_timestamp_seconds"]) > 1.7e9


@pytest.mark.parametrize(
    "path",
    [
        "/heatmaps/99.png",
        "/heatmaps/../journal.sqlite",
        "/heatmaps/%2e%2e%2fjournal.sqlite",
        "/heatmaps/..%2f1.png",
        "/heatmaps/-1.png",
        "/heatmaps/1.png/../../journal.sqlite",
        "/journal.sqlite",
        "/results.jsonl",
    ],
)
def test_nothing_but_heat_maps_can_be_fetched(tmp_path: Path, path: str) -> None:
    add_parts(tmp_path, 1)
    (tmp_path / "1.png").write_bytes(b"not for you")
    with serving(tmp_path) as server:
        answer, body = get(server, "/heatmaps/1.png")
        assert answer.headers["Content-Type"] == "image/png"
        assert body == (tmp_path / "heatmaps" / "1.png").read_bytes()
        assert get(server, path)[0].status == 404
        assert get(server, "/heatmaps/1.png", "POST")[0].status == 405


def test_every_answer_forbids_what_a_page_must_not_do(tmp_path: Path) -> None:
    with serving(tmp_path) as server, serving(tmp_path, TOKEN) as guarded:
        answers = [get(server, path)[0] for path in ("/", "/api/state", "/metrics", "/none")]
        answers.append(get(guarded, "/")[0])
    for answer in answers:
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["X-Frame-Options"] == "DENY"


def test_the_page_asks_nobody_else(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        page = get(server, "/")[1].decode()
    addresses = set(re.findall(r"https?://[^\s\"']+", page))
    assert addresses == {"http://www.w3.org/2000/svg"}


def test_with_a_token_every_request_needs_it(tmp_path: Path) -> None:
    add_parts(tmp_path, 1)
    with serving(tmp_path, TOKEN) as server:
        for path in ("/", "/api/state", "/metrics", "/heatmaps/1.png", "/none"):
            answer, body = get(server, path)
            assert answer.status == 401
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert b"?token=" in body
            assert get(server, path, Authorization="Bearer wrong")[0].status == 401
            assert get(server, path, Authorization=f"Basic {TOKEN}")[0].status == 401
            assert get(server, path, Cookie=f"ganad_station={TOKEN}")[0].status == 401
            assert get(server, path, Cookie='ganad_station=\xff; "')[0].status == 401
            assert get(server, path + "?token=%ff")[0].status == 401
            assert get(server, path, Authorization=f"Bearer {TOKEN}")[0].status in (200, 404)


def test_a_token_in_the_address_becomes_a_cookie(tmp_path: Path) -> None:
    with serving(tmp_path, TOKEN) as server:
        answer, _ = get(server, "/?token=a+longer%20secret")
        assert answer.status == 200
        cookie = answer.headers["Set-Cookie"]
        assert TOKEN not in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        answer, _ = get(server, "/api/state", Cookie=cookie.split(";")[0])
        assert answer.status == 200
        assert answer.headers["Set-Cookie"] is None


def test_without_a_token_only_loopback_names_are_answered(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        for host in ("localhost:80", "127.0.0.1", "[::1]:8080"):
            assert get(server, "/api/state", Host=host)[0].status == 200
        for host in ("evil.example", "127.0.0.1.evil.example", "[", ""):
            assert get(server, "/api/state", Host=host)[0].status == 403


def test_loopback_names() -> None:
    assert all(is_loopback(host) for host in ("localhost", "127.0.0.1", "127.9.9.9", "::1"))
    assert not any(is_loopback(host) for host in ("", "::", "10.0.0.1", "host"))


def test_a_journal_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite").write_bytes(b"no database" * 1000)
    with serving(tmp_path) as server:
        for path in ("/api/state", "/metrics"):
            answer, body = get(server, path)
            assert answer.status == 503
            assert body.count(b"\n") == 1
            assert b"is damaged" in body


def run_to_its_end(logs: Path, *options: object) -> subprocess.CompletedProcess[str]:
    with Station(logs, "serve", *options) as station:
        code = station.process.wait(timeout=60)
        return subprocess.CompletedProcess([], code, station.output, station.errors)


def test_wrong_options_are_one_line(tmp_path: Path) -> None:
    logs = tmp_path / "logs"
    missing = run_to_its_end(logs, "--out", tmp_path / "none")
    assert_one_line_error(missing, "none is not a folder")
    everyone = run_to_its_end(logs, "--out", tmp_path, "--host", "::")
    assert_one_line_error(everyone, "--host ::", "--token")
    nobody = run_to_its_end(logs, "--out", tmp_path, "--host", "host.invalid", "--token", "x")
    assert_one_line_error(nobody, "cannot listen on host.invalid")
    assert_one_line_error(run_to_its_end(logs, "--out", tmp_path, "--port", 99999), "99999")
    with serving(tmp_path) as server:
        taken = run_to_its_end(logs, "--out", tmp_path, "--port", server.server_port)
    assert_one_line_error(taken, "in use", "--port")


def make_program(folder: Path) -> Path:
    """A zip file as a bundle has it: the package and bottle."""
    package = Path(ganad_station.__file__).parent
    program = folder / "station.pyz"
    with zipfile.ZipFile(program, "w") as archive:
        archive.write(str(bottle.__file__), "bottle.py")
        archive.writestr("__main__.py", "from ganad_station import __main__")
        for path in package.rglob("*"):
            if path.suffix in (".py", ".html"):
                archive.write(path, Path("ganad_station") / path.relative_to(package))
    return program


def test_the_page_comes_out_of_the_zip_file(tmp_path: Path) -> None:
    add_parts(tmp_path, 3)
    command = [sys.executable, "-I", make_program(tmp_path), "serve", "--out", tmp_path]
    with subprocess.Popen([*command, "--port", "0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            url = process.stdout.readline().strip()
            port = int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)/", url).group(1))  # type: ignore[union-attr]
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("GET", "/")
            assert b"</html>" in connection.getresponse().read()
            connection.request("GET", "/api/state")
            assert json.loads(connection.getresponse().read())["total"]["OK"] == 3
            connection.close()
            process.terminate()
            assert process.wait(timeout=20) == 0
        finally:
            process.kill()
