"""Manifests: what is written is read back, and damaged ones are refused with one line."""

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.manifest import MANIFEST_FILE, Manifest
from ganad_station.score import ScoreRule
from ganad_station.threshold import ORDER_STATISTIC, Threshold
from ganad_tf.exporting.manifest import write_manifest


def test_a_manifest_of_the_first_version_is_read(old_bundle: Path) -> None:
    manifest = Bundle.open(old_bundle).manifest
    assert manifest.target == "cpu"
    assert [model.file for model in manifest.models] == ["model.tflite", "model.onnx"]
    assert [model.activations for model in manifest.models] == ["asymmetric", "asymmetric"]
    assert manifest.input.shape == (16, 16, 1)
    assert manifest.input.illumination == "as-taken"
    assert manifest.score == ScoreRule()
    about = "25 normal images of the validation split, float model"
    assert manifest.threshold == Threshold(0.2536432479191717, 0.01, ORDER_STATISTIC, about)
    assert manifest.selftest.scores["model.tflite"] == 0.21286764705882352
    assert manifest.verification["model.onnx"].images == 539
    assert manifest.is_verified


def test_what_is_written_is_read_back(old_bundle: Path) -> None:
    manifest, before = Manifest.read(old_bundle), read(old_bundle)
    write_manifest(old_bundle, manifest)
    assert Manifest.read(old_bundle) == manifest
    written = read(old_bundle)
    assert written["threshold"].pop("method") == "order statistic"
    for name in ("confidence", "good_parts", "requested_rate"):
        assert written["threshold"].pop(name) == 0
    assert written == before


def test_a_threshold_for_each_model_and_each_runtime_are_written_and_read(copied: Path) -> None:
    manifest, before = Manifest.read(copied), read(copied)
    assert before["schema_version"] == 6
    assert set(manifest.thresholds) == set(before["thresholds"]) == {"model.tflite", "model.onnx"}
    assert manifest.threshold == manifest.thresholds["model.tflite"]
    assert set(manifest.verification["model.tflite"].runtimes) == {
        "LiteRT",
        "LiteRT without XNNPACK",
    }
    write_manifest(copied, manifest)
    assert Manifest.read(copied) == manifest
    assert read(copied) == before


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("thresholds", "model.onnx", ...), "thresholds lacks 'model.onnx'"),
        (("thresholds", []), "thresholds must be an object"),
        (
            ("thresholds", "model.onnx", "value", "0"),
            "thresholds.model.onnx.value must be a number",
        ),
        (
            ("verification", "model.onnx", "outcome", "good"),
            "outcome must be verified or undecided",
        ),
        (("verification", "model.onnx", "runtimes", 1), "runtimes must be an object"),
        (
            ("verification", "model.onnx", "runtimes", "onnxruntime", "misses", ...),
            "lacks 'verification.model.onnx.runtimes.onnxruntime.misses'",
        ),
    ],
)
def test_a_damaged_field_of_schema_6_is_named(
    copied: Path, change: tuple[Any, ...], message: str
) -> None:
    manifest = read(copied)
    set_to(*change)(manifest)
    (copied / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(StationError, match=message):
        Manifest.read(copied)


def set_to(*path: Any) -> Callable[[dict], None]:
    """Return a change of a manifest: the last of the arguments is the value, `...` deletes."""
    *parents, name, value = path

    def change(manifest: Any) -> None:
        for parent in parents:
            manifest = manifest[parent]
        if value is ...:
            del manifest[name]
        else:
            manifest[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_to("threshold", None), "threshold must be an object, not null"),
        (set_to("threshold", "value", "0.1"), 'threshold.value must be a number from 0 .* "0.1"'),
        (set_to("threshold", "value", -0.1), "threshold.value must be a number from 0"),
        (set_to("threshold", "value", math.nan), "threshold.value must be .* not NaN"),
        (set_to("threshold", "value", math.inf), "threshold.value must be .* not Infinity"),
        (set_to("threshold", "value", True), "threshold.value must be .* not true"),
        (set_to("threshold", "false_reject_rate", 2), "threshold.false_reject_rate must be"),
        (set_to("threshold", "method", "guess"), "method must be order statistic or tolerance"),
        (set_to("threshold", "calibrated_on", ...), "lacks 'threshold.calibrated_on'"),
        (set_to("files", []), r"files must be an object, not \[\]"),
        (set_to("files", {}), "files lacks 'model.tflite'"),
        (set_to("files", "model.onnx", 7), "files.model.onnx must be a string, not 7"),
        (set_to("files", "../model.onnx", "0"), "model.onnx must be a file inside the bundle"),
        (set_to("files", "/etc/passwd", "0"), "files./etc/passwd must be a file inside the bundle"),
        (set_to("models", []), "models must be a list that is not empty"),
        (set_to("models", {}), "models must be a list that is not empty"),
        (set_to("models", 0, "model.tflite"), r"models\[0\] must be an object"),
        (set_to("models", 1, "precision", ...), r"lacks 'models\[1\].precision'"),
        (set_to("models", 0, "file", "other.tflite"), "files lacks 'other.tflite'"),
        (set_to("input", {}), "lacks 'input.levels'"),
        (set_to("input", "channels", 16), "input.channels must be an integer from 1 to 3, not 16"),
        (set_to("input", "channels", 2), "input.channels must be 1 or 3, not 2"),
        (set_to("input", "height", 0), "input.height must be an integer from 1 to 16384, not 0"),
        (set_to("input", "height", 1e9), "input.height must be an integer"),
        (set_to("input", "height", 10**9), "input.height must be an integer"),
        (set_to("input", "width", 0), "input.width must be an integer from 1 to 16384, not 0"),
        (set_to("input", "levels", 1023), "input.levels must be an integer from 255 to 255"),
        (set_to("input", "illumination", "dark"), "input.illumination must be as-taken or"),
        (set_to("score", "views", ...), "lacks 'score.views'"),
        (set_to("score", "views", 3), "score does not fit the input .views must be 1, 2 or 4"),
        (set_to("score", "views", "2"), 'score.views must be an integer .* not "2"'),
        (set_to("score", "patch_size", 5), "patch size 5 does not divide the image size 16x16"),
        (set_to("score", "patch_size", -1), "score.patch_size must be an integer from 0"),
        (set_to("selftest", {}), "lacks 'selftest.scores'"),
        (set_to("selftest", "image", "none.png"), "files lacks 'none.png'"),
        (set_to("selftest", "scores", "model.onnx", ...), "selftest.scores lacks 'model.onnx'"),
        (set_to("selftest", "scores", "model.onnx", "high"), "selftest.scores.model.onnx must be"),
        (set_to("verification", None), "verification must be an object, not null"),
        (set_to("verification", "model.onnx", 1), "verification.model.onnx must be an object"),
        (set_to("verification", "model.onnx", "is_verified", 1), "must be true or false, not 1"),
        (set_to("verification", "model.onnx", "difference", 0), "difference must be an object"),
        (set_to("verification", "model.onnx", "images", ...), "lacks 'verification.model.onnx.im"),
        (set_to("run", ["x"]), r'run must be a string, not \["x"\]'),
        (set_to("target", ...), "lacks 'target'"),
        (set_to("schema_version", "5"), "schema_version must be an integer"),
    ],
)
def test_a_damaged_field_is_named(
    old_bundle: Path, change: Callable[[dict], None], message: str
) -> None:
    manifest = read(old_bundle)
    change(manifest)
    (old_bundle / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(StationError, match=message) as caught:
        Bundle.open(old_bundle)
    assert str(caught.value).startswith(f"{old_bundle / MANIFEST_FILE}")
    assert str(caught.value).endswith("export the bundle again")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "\udcff", "[" * 100_000, '{"a":' * 100_000])
def test_what_is_not_json_is_refused(old_bundle: Path, content: str) -> None:
    path = old_bundle / MANIFEST_FILE
    path.write_text(content, errors="surrogateescape")
    with pytest.raises(StationError, match="cannot be read"):
        Manifest.read(old_bundle)


def read(bundle: Path) -> dict[str, Any]:
    return json.loads((bundle / MANIFEST_FILE).read_text())
