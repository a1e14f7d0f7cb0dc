"""The training benchmark runs, its PyTorch twin computes the same, and its counts are right."""

import importlib.util
import json
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from click.testing import CliRunner, Result

from ganad_tf.config import DataConfig, RunConfig, TrainConfig
from ganad_tf.data.batches.paired import PairedBatches
from ganad_tf.models.architecture import DISCRIMINATOR, GENERATOR, Layer, layer_shapes
from ganad_tf.models.detector import LOSS_NAMES, AnomalyDetector
from ganad_tf.system.environment import cores
from ganad_tf.training.train import compile_detector, detector_options
from tools.bench.train.__main__ import main
from tools.bench.train.multiply_adds import step_multiply_adds

BATCH, STEPS, CHANNELS = 8, 3, 3
CONFIG = RunConfig(
    data=DataConfig(dataset="mnist"), train=TrainConfig(batch_size=BATCH, epochs=2, shift=0)
)


def make_detector(channels: int = CHANNELS) -> AnomalyDetector:
    keras.utils.set_random_seed(0)
    detector = AnomalyDetector(**detector_options(CONFIG, channels))
    compile_detector(detector, CONFIG, STEPS)
    return detector


def import_torch():
    """Return torch, or skip: its CUDA build, which brings Triton, crashes beside TensorFlow."""
    if importlib.util.find_spec("triton"):
        pytest.skip("needs the CPU build of torch")
    return pytest.importorskip("torch")


def make_batches() -> PairedBatches:
    rng = np.random.default_rng(0)
    shape = (STEPS * BATCH, 32, 32, CHANNELS)
    normals = rng.integers(0, 128, shape, np.uint8)
    anomalies = rng.integers(64, 256, shape, np.uint8)
    return PairedBatches(normals, anomalies, CONFIG.train, CONFIG.seed)


def make_twin(detector: AnomalyDetector, layout: str):
    """A PyTorch twin with the weights of a detector."""
    torch = import_torch()
    from tools.bench.train.torch_loop import LAYOUTS
    from tools.bench.train.torch_twin import Twin

    twin = Twin(CONFIG, CHANNELS, STEPS, LAYOUTS[layout])
    pairs = (
        (twin.generator, detector.generator),
        (twin.averaged_generator, detector.generator),
        (twin.normal_discriminator, detector.normal_discriminator),
        (twin.anomaly_discriminator, detector.anomaly_discriminator),
    )
    with torch.no_grad():
        for module, network in pairs:
            copy_weights(module, network)
    return twin


def copy_weights(module, network: keras.Model) -> None:
    from torch import nn, tensor

    kernels = [np.array(weight) for weight in network.weights if len(weight.shape) == 4]
    layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.ConvTranspose2d)]
    for layer, kernel in zip(layers, kernels, strict=True):
        layer.weight.copy_(tensor(kernel.transpose(3, 2, 0, 1)))
    vectors = [np.array(weight) for weight in network.weights if len(weight.shape) == 1]
    norms = [m for m in module.modules() if isinstance(m, nn.BatchNorm2d)]
    targets = [t for m in norms for t in (m.weight, m.bias, m.running_mean, m.running_var)]
    for target, vector in zip(targets, vectors, strict=True):
        target.copy_(tensor(vector))


def run(arguments: str, out: Path) -> Result:
    return CliRunner().invoke(main, [*arguments.split(), "--out", str(out)])


def to_torch(pair: tuple[tf.Tensor, tf.Tensor], layout: str):
    import torch

    from tools.bench.train.torch_loop import LAYOUTS

    tensors = [torch.from_numpy(images.numpy()).permute(0, 3, 1, 2) for images in pair]
    return [tensor.contiguous(memory_format=LAYOUTS[layout]) for tensor in tensors]


def test_twin_has_the_losses_of_the_detector_before_and_after_training() -> None:
    detector = make_detector()
    twins = {layout: make_twin(detector, layout) for layout in ("default", "channels-last")}
    pairs = list(make_batches().dataset(0, 1))
    before = detector.compute_losses(*pairs[0])
    assert set(before) == set(LOSS_NAMES)
    for layout, twin in twins.items():
        theirs = twin.losses(*to_torch(pairs[0], layout))
        for name in LOSS_NAMES:
            assert theirs[name].item() == pytest.approx(float(before[name]), abs=1e-4), name

    # The losses moved the statistics of all of them; training goes on from there.
    detector.fit(make_batches().dataset(0, 1), steps_per_epoch=STEPS, verbose=0, shuffle=False)
    after = float(detector.generator_loss(detector.compute_losses(*pairs[0])))
    assert abs(after - float(detector.generator_loss(before))) > 0.05
    averaged = detector.predict(pairs[0][0], verbose=0)
    for layout, twin in twins.items():
        for pair in pairs:
            twin.step(*to_torch(pair, layout))
        normal, anomaly = to_torch(pairs[0], layout)
        trained = twin.generator_loss(twin.losses(normal, anomaly)).item()
        assert trained == pytest.approx(after, abs=1e-3)
        reconstructions = twin.averaged_generator(normal).permute(0, 2, 3, 1).numpy()
        assert np.abs(reconstructions - averaged).mean() < 1e-3


def layer_multiply_adds(layers: tuple[Layer, ...]) -> list[int]:
    return [shape.multiply_adds for shape in layer_shapes(layers, 32, CHANNELS).values()]


def test_known_multiply_adds_of_the_forward_passes() -> None:
    """By hand: each weight of a kernel is used once per position of the smaller of both images."""
    encoder = [256 * 384, 64 * 2048, 16 * 8192, 4 * 32768]
    decoder = [4 * 32768, 16 * 16384, 64 * 4096, 256 * 768]
    assert layer_multiply_adds(GENERATOR) == encoder + decoder
    assert sum(encoder + decoder) == pytest.approx(1.34e6, rel=0.01)
    discriminator = layer_multiply_adds(DISCRIMINATOR)
    assert discriminator == [*encoder[:3], 16 * 32768, 16 * 32768]
    assert sum(discriminator) == pytest.approx(1.4e6, rel=0.01)


def test_multiply_adds_of_a_step_are_those_that_pytorch_counts_while_it_runs() -> None:
    detector = make_detector()
    twin = make_twin(detector, "default")
    from torch.utils.flop_counter import FlopCounterMode

    pair = to_torch(next(iter(make_batches().dataset(0, 1))), "default")
    with FlopCounterMode(display=False) as counter:
        twin.step(*pair)
    passes = step_multiply_adds(detector, BATCH).values()
    assert counter.get_total_flops() == 2 * sum(count.total for count in passes)


def test_no_layer_is_without_a_count() -> None:
    detector = make_detector()
    networks = (
        (detector.generator, GENERATOR),
        (detector.normal_discriminator, DISCRIMINATOR),
        (detector.anomaly_discriminator, DISCRIMINATOR),
    )
    for network, layers in networks:
        shapes = layer_shapes(layers, 32, CHANNELS)
        with_kernel = [
            layer.name
            for layer in network.layers
            if any(len(weight.shape) > 1 for weight in layer.weights)
        ]
        assert with_kernel == list(shapes)


def test_augmentation_of_the_twin_mirrors_and_shifts_with_reflection() -> None:
    torch = import_torch()
    from tools.bench.train.torch_loop import augmented

    size, shift = 8, 2
    images = np.random.default_rng(0).integers(0, 256, (3, size, size, 1), np.uint8)
    padded = np.pad(images, ((0, 0), (shift, shift), (shift, shift), (0, 0)), "symmetric")
    torch.manual_seed(0)
    chosen = torch.arange(3).repeat(40)
    config = CONFIG.train.derive(flip=True, shift=shift)
    found = augmented(torch.from_numpy(images), chosen, config).numpy()
    allowed: list[set[bytes]] = [set(), set(), set()]
    for index, image in enumerate(padded):
        for row in range(2 * shift + 1):
            for column in range(2 * shift + 1):
                crop = image[row : row + size, column : column + size]
                allowed[index] |= {crop.tobytes(), crop[:, ::-1].tobytes()}
    seen = [image.tobytes() for image in found]
    assert all(image in allowed[index % 3] for index, image in enumerate(seen))
    assert len(set(seen)) > 60


@pytest.mark.slow
def test_compare_measures_both_programs_and_writes_the_results(tmp_path: Path) -> None:
    import_torch()
    result = run("compare --quick --size 32 --channels 1 --batch 4 --threads 1", tmp_path)
    assert result.exit_code == 0
    for program in ("ganad-tf", "PyTorch, default layout", "PyTorch, channels last"):
        assert f"| 32x32x1 | 1 | {program} |" in result.output
    (entry,) = json.loads((tmp_path / "compare.json").read_text())
    assert all(rate > 0 for rates in entry["images_per_second"].values() for rate in rates)
    assert all(share > 0 for share in entry["fraction_of_peak"].values())
    assert (tmp_path / "compare.md").read_text() in result.output
    assert (tmp_path / "compare.png").stat().st_size > 1000


@pytest.mark.slow
def test_scaling_leaves_out_what_would_not_fit_in_memory(tmp_path: Path) -> None:
    grid = "--size 16 --size 32 --batch 2 --batch 4096 --channels 1"
    result = run(f"scaling --quick {grid} --threads 1 --memory-limit 4", tmp_path)
    assert result.exit_code == 0
    points = json.loads((tmp_path / "scaling.json").read_text())
    assert [(point["shape"], point["batch"]) for point in points] == [
        ("16x16x1", 2),
        ("32x32x1", 2),
    ]
    assert all(point["memory_bytes"] > 0 for point in points)
    assert "Left out" in result.output
    assert (tmp_path / "scaling.md").read_text() in result.output
    assert (tmp_path / "scaling.png").stat().st_size > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (f"scaling --threads {cores() + 1}", "cores: choose 1 to"),
        ("scaling --size 40", "try 32"),
        ("scaling --batch 0", "0 is not in the range"),
        ("compare --size 32", "give both in pairs"),
        ("compare --size 32 --channels 2", "channels must be 1 for grey or 3 for RGB"),
    ],
)
def test_bad_input_is_answered_with_one_line(arguments: str, message: str, tmp_path: Path) -> None:
    if "compare" in arguments:
        import_torch()
    result = run(arguments, tmp_path)
    assert result.exit_code == 2
    assert message in result.output.splitlines()[-1]
    assert not list(tmp_path.iterdir())
