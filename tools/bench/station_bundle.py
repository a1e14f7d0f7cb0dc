"""The bundle of an untrained network, for the benchmark of stations."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganad_station.sizes import ImageSize, height_and_width


def make_bundle(folder: Path, size: int, channels: int) -> Path:
    """Write a bundle of an untrained generator, and float files of it beside the int8 ones."""
    import keras

    from ganad_station.illumination import AS_TAKEN
    from ganad_station.manifest import Manifest, SelftestEntry
    from ganad_station.model_input import InputEntry
    from ganad_station.score import WHOLE_IMAGE, to_input
    from ganad_station.threshold import ORDER_STATISTIC, Threshold
    from ganad_tf import __version__
    from ganad_tf.config import TrainConfig
    from ganad_tf.data.batches.paired import PairedBatches
    from ganad_tf.exporting.manifest import describe_model, hash_files, write_manifest
    from ganad_tf.exporting.onnx.conversion import convert_float_to_onnx, convert_to_onnx
    from ganad_tf.exporting.quantization.aware import fine_tune, make_quantization_aware
    from ganad_tf.exporting.quantization.levels import quantized_layers
    from ganad_tf.exporting.quantization.objectives import match_float_output
    from ganad_tf.exporting.quantization.preparation import prepare
    from ganad_tf.exporting.station_program import write_station_program
    from ganad_tf.exporting.tflite.conversion import convert
    from ganad_tf.exporting.tflite.lowering import lower_transposed_convolutions
    from ganad_tf.exporting.tflite.subpixel import replace_narrow_transposed_convolutions
    from ganad_tf.models.generator import build_generator
    from ganad_tf.targets.profile import load_profile
    from ganad_tf.targets.recipe import Precision, Scheme

    keras.utils.set_random_seed(0)
    generator = build_generator(size, channels)
    picture = textured_picture(size, channels)
    images = np.stack([np.roll(picture, shift, axis=0) for shift in range(8)])
    prepared = prepare(generator, to_input(images))
    aware = make_quantization_aware(prepared, Scheme.ASYMMETRIC)
    batches = PairedBatches(images[:4], images[4:], TrainConfig(batch_size=4), 0)
    fine_tune(aware, batches, match_float_output(generator), 1, 1e-5, lambda *_: None)
    layers = quantized_layers(aware, prepared.ranges, Scheme.ASYMMETRIC)
    shape = (size, size, channels)
    folder.mkdir()
    lowered = lower_transposed_convolutions(convert(aware, Precision.INT8))
    (folder / "transposed.tflite").write_bytes(lowered)
    (folder / "model.tflite").write_bytes(replace_narrow_transposed_convolutions(lowered))
    (folder / "model.onnx").write_bytes(convert_to_onnx(layers, shape))
    image = Image.fromarray(picture[:, :, 0] if channels == 1 else picture)
    image.save(folder / "picture.png")
    image.save(folder / "picture.jpg", quality=90)
    write_station_program(folder / "station.pyz")
    recipes = load_profile("cpu").models
    manifest = Manifest(
        ganad_tf=__version__,
        run="bench",
        target="cpu",
        files=hash_files(folder),
        models=tuple(describe_model(recipe, "int8") for recipe in recipes),
        input=InputEntry(*shape, AS_TAKEN),
        score=WHOLE_IMAGE,
        thresholds={
            recipe.file: Threshold(0.5, 0.0, ORDER_STATISTIC, "nothing") for recipe in recipes
        },
        selftest=SelftestEntry("picture.png", {recipe.file: 0.0 for recipe in recipes}),
        verification={},
    )
    write_manifest(folder, manifest)
    (folder / "float.tflite").write_bytes(convert(prepared.twin, Precision.FLOAT32))
    (folder / "float.onnx").write_bytes(convert_float_to_onnx(prepared.layers, shape, False))
    generator.save(folder / "generator.keras")
    return folder


def textured_picture(size: ImageSize, channels: int) -> NDArray[np.uint8]:
    """Draw what a camera sees of a machined surface: grain, shading and sensor noise."""
    rng = np.random.default_rng(0)
    height, width = height_and_width(size)
    rows = np.linspace(0, 40, height)
    grain = 20 * np.sin(rows)[:, np.newaxis] + rng.normal(0, 6, (height, width))
    plate = 120 + grain + np.linspace(-20, 20, width)
    return np.repeat(plate.clip(0, 255).astype(np.uint8)[:, :, np.newaxis], channels, axis=2)
