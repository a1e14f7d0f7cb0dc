"""`ganad-tf check`: table, JSON, exit codes, wrong input."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from ganad_tf.cli.check import check_command
from ganad_tf.cli.errors import Group
from ganad_tf.targets.check import check
from ganad_tf.targets.profile import load_profile
from tests.support.onnx_models import model

COMMANDS = Group(commands=[click.Command("other"), check_command])


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(COMMANDS, ["check", *map(str, arguments)])


def test_the_table_has_a_row_an_operator_and_a_summary(plain: Path) -> None:
    result = invoke(plain, "--target", "coral")
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert "edgetpu_compiler 16.0" in lines[0]
    rows = [line for line in lines if line.endswith("Edge TPU")]
    assert sum("CONV_2D v3" in line for line in rows) == 2
    assert lines[-1] == f"{len(rows) - 1} of {len(rows) - 1} operators on the Edge TPU"


def test_a_fallback_is_explained_and_fails(leaky: Path) -> None:
    result = invoke(leaky, "--target", "coral")
    assert result.exit_code == 1
    (row,) = [line for line in result.output.splitlines() if "LEAKY_RELU v" in line]
    assert " CPU " in row
    assert "use ReLU" in row


def test_a_refusal_fails(dynamic_batch: Path) -> None:
    result = invoke(dynamic_batch, "--target", "coral")
    assert result.exit_code == 1
    assert "refused: the compiler refuses a model with dynamic sizes" in result.output
    assert result.output.splitlines()[-1].startswith("coral does not take this file")


def test_warnings_alone_pass(dynamic_batch: Path) -> None:
    result = invoke(dynamic_batch, "--target", "cpu")
    assert result.exit_code == 0
    assert "warning: " in result.output


def test_json_has_the_content_of_the_table(leaky: Path) -> None:
    result = invoke(leaky, "--target", "coral", "--json")
    assert result.exit_code == 1
    content = json.loads(result.output)
    report = check(leaky, load_profile("coral"))
    assert content == json.loads(json.dumps(report.to_dict()))
    assert content["target"] == "coral"
    assert not content["is_mapped"]
    (row,) = [row for row in content["rows"] if row["operator"] == "LEAKY_RELU"]
    assert row["place"] == "cpu"
    assert row["source"].startswith("https://")
    table = invoke(leaky, "--target", "coral").output
    for text in (row["reason"], row["remedy"], content["summary"]):
        assert text in table


def test_onnx_is_checked_for_jetson(save: Callable) -> None:
    result = invoke(save("m.onnx", model().SerializeToString()), "--target", "jetson")
    assert result.exit_code == 0, result.output
    assert "operators on the GPU" in result.output


@pytest.mark.parametrize(
    ("name", "content", "target", "words"),
    [
        ("missing.tflite", None, "coral", ["missing.tflite cannot be read", "No such file"]),
        ("a.tflite", b"no model at all", "coral", ["a.tflite is not a TFLite model"]),
        (
            "a.tflite",
            b"\0\0\0\0TFL3" + b"\xff" * 99,
            "coral",
            ["a.tflite", "is damaged or not a model in TFLite format"],
        ),
        ("a.tflite", b"", "cpu", ["a.tflite is not a TFLite model"]),
        (
            "a.onnx",
            b"no model at all",
            "jetson",
            ["a.onnx is damaged or not a model in ONNX format"],
        ),
        ("a.onnx", b"", "jetson", ["a.onnx is damaged or not a model in ONNX format"]),
        ("a.png", b"", "coral", ["a.png is not a model file", ".tflite or .onnx"]),
        ("a.tflite", b"\0\0\0\0TFL3", "corel", ["unknown target 'corel'", "coral, jetson, cpu"]),
    ],
)
def test_wrong_input_is_one_line(
    tmp_path: Path, name: str, content: bytes | None, target: str, words: list[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert_one_line(invoke(tmp_path / name, "--target", target), *words)


def test_a_format_that_the_target_does_not_take_is_one_line(plain: Path, save: Callable) -> None:
    onnx_file = save("m.onnx", model().SerializeToString())
    assert_one_line(invoke(plain, "--target", "jetson"), "tflite file, but jetson takes onnx")
    assert_one_line(invoke(onnx_file, "--target", "coral"), "onnx file, but coral takes tflite")


def test_every_truncation_of_a_file_is_one_line(plain_content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cut.tflite"
    for length in range(8, len(plain_content), len(plain_content) // 40):
        path.write_bytes(plain_content[:length])
        result = invoke(path, "--target", "coral")
        assert result.exit_code in (0, 1, 2), result.output
        assert "Traceback" not in result.output


def test_checking_needs_no_tensorflow(plain: Path) -> None:
    code = (
        "import sys, pathlib; from ganad_tf.targets.check import check; "
        "from ganad_tf.targets.profile import load_profile; "
        f"check(pathlib.Path({str(plain)!r}), load_profile('coral')); "
        "assert not {'tensorflow', 'keras', 'onnx'} & set(sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


def assert_one_line(result: Result, *words: str) -> None:
    assert result.exit_code == 2, result.output
    lines = result.output.splitlines()
    assert len(lines) == 1, result.output
    assert lines[0].startswith("error: ")
    for word in words:
        assert word in lines[0]
