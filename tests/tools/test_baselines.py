"""The baselines learn what they are meant to learn, from what they are meant to see."""

import keras
import numpy as np
import pytest

from ganad_tf.config import make_config
from ganad_tf.data.batches.make import paired_batches
from ganad_tf.data.sources import load_splits
from ganad_tf.errors import UserError
from ganad_tf.evaluation.metrics import auroc
from tools.experiments.baselines.autoencoder import Autoencoder, SkiplessAutoencoder
from tools.experiments.baselines.baseline import BestOnValidation
from tools.experiments.baselines.classifier import Classifier
from tools.experiments.baselines.ganomaly import Ganomaly
from tools.experiments.baselines.run import run_baseline

SIZE = 16
KINDS = (Autoencoder, SkiplessAutoencoder, Ganomaly, Classifier)


def config_of(epochs: int = 4, **data):
    return make_config({"data": data, "train": {"epochs": epochs, "learning_rate": 3e-3}})


def normals_and_anomalies(count: int = 6) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    normal = rng.random((count, SIZE, SIZE, 1), np.float32) * 0.5
    return normal, 1 - rng.random((count, SIZE, SIZE, 1), np.float32) * 0.5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "lowest"),
    [
        ("autoencoder", 0.8),
        ("autoencoder-no-skips", 0.9),
        ("ganomaly", 0.7),
        ("classifier", 0.98),
    ],
)
def test_baselines_tell_a_digit_from_the_others(method: str, lowest: float) -> None:
    config = config_of()
    result = run_baseline(method, config)
    assert result["method"] == method
    whole = result["float_auroc"]
    assert whole["low"] <= whole["value"] <= whole["high"]
    assert whole["value"] > lowest
    assert list(result["evaluation"]["auroc_by_kind"]) == list("123456789")
    assert 1 <= result["best_epoch"] <= result["epochs"] == 4
    splits = load_splits(config.data, config.seed)
    for name, split in splits.items():
        assert result["splits"][name]["sha256"] == split.fingerprint()


def test_unseen_kinds_are_measured_apart() -> None:
    config = config_of(epochs=2, unseen_kinds=["1", "7", "9"])
    result = run_baseline("classifier", config)
    figures = result["evaluation"]
    unseen = [figures["auroc_by_kind"][kind]["value"] for kind in ("1", "7", "9")]
    assert min(unseen) <= figures["unseen_auroc"]["value"] <= max(unseen)
    assert figures["seen_auroc"]["value"] > 0.9


def test_methods_that_see_no_anomalies_need_none() -> None:
    config = make_config(
        {
            "data": {"anomalies": 0},
            "loss": {"abc": 0, "anomaly_adversarial": 0},
            "train": {"epochs": 1, "passes": 1},
        }
    )
    assert run_baseline("autoencoder", config)["epochs"] == 1
    with pytest.raises(UserError, match="a classifier takes anomalies"):
        run_baseline("classifier", config)
    with pytest.raises(UserError, match="unknown baseline 'gan': choose one of autoencoder"):
        run_baseline("gan", config)


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_moving_average(kind) -> None:
    keras.utils.set_random_seed(0)
    baseline = kind(SIZE, 1, 4, averaging=0.9)
    baseline.compile(optimizer="adam")
    before = baseline.network.get_weights()
    normal, anomaly = normals_and_anomalies()
    baseline.train_step((normal, anomaly) if kind.learns_from_anomalies else normal)
    averages = baseline.averaged_network.get_weights()
    for old, new, mean in zip(before, baseline.network.get_weights(), averages, strict=True):
        np.testing.assert_allclose(mean, (old + 10 * new) / 11, rtol=1e-4, atol=1e-6)
    images = np.round(anomaly * 255).astype(np.uint8)
    scores = baseline.score_images(images)
    assert scores.shape == (6,)
    baseline.network.set_weights([np.zeros(w.shape) for w in baseline.network.weights])
    assert np.array_equal(baseline.score_images(images), scores)


def test_the_skipless_generator_has_the_shape_of_the_generator_but_for_its_skips() -> None:
    counts = [
        sum(int(np.prod(weight.shape)) for weight in kind(32, 3, 8, 0.9).network.trainable_weights)
        for kind in (Autoencoder, SkiplessAutoencoder)
    ]
    # The skips feed 32, 16 and 8 channels into kernels of 16 positions and 16, 8 and 3 channels.
    assert counts[0] - counts[1] == 16 * (32 * 16 + 16 * 8 + 8 * 3)


def test_ganomaly_moves_both_its_encoders_and_its_discriminator() -> None:
    keras.utils.set_random_seed(0)
    ganomaly = Ganomaly(SIZE, 1, 4, averaging=0.9)
    ganomaly.compile(optimizer="adam")
    weights = ganomaly.network.trainable_weights + ganomaly.discriminator.trainable_weights
    before = [np.array(weight) for weight in weights]
    losses = ganomaly.train_step(normals_and_anomalies()[0])
    assert set(losses) == {"contextual", "encoder", "adversarial", "discriminator"}
    assert all(float(value) > 0 for value in losses.values())
    for old, new in zip(before, weights, strict=True):
        assert not np.array_equal(old, new)


def test_the_normal_batches_are_those_of_the_detector() -> None:
    from tools.experiments.baselines.run import _batches

    config = config_of(epochs=1)
    train = load_splits(config.data, config.seed).train
    paired = paired_batches(config, train)
    alone, steps = _batches(False, config, train)
    assert steps == paired.steps
    for mine, (expected, _) in zip(alone.take(5), paired.dataset(0, 1).take(5), strict=True):
        np.testing.assert_array_equal(mine, expected)


def test_the_best_epoch_is_restored() -> None:
    keras.utils.set_random_seed(0)
    validation = load_splits(config_of().data, 0).validation
    classifier = Classifier(SIZE, 1, 4, averaging=0.9)
    best = BestOnValidation(validation)
    best.set_model(classifier)
    kernel = classifier.averaged_network.get_layer("logit").kernel
    found = []
    for epoch, sign in enumerate((1, -1, 1)):
        kernel.assign(sign * abs(kernel))
        found.append(auroc(validation.is_anomaly, classifier.score_images(validation.data.images)))
        best.on_epoch_end(epoch)
    assert found[1] == pytest.approx(1 - found[0])
    assert best.best_epoch == (3 if found[0] > 0.5 else 2)
    best.on_train_end()
    scores = classifier.score_images(validation.data.images)
    assert auroc(validation.is_anomaly, scores) == best.best_auroc == max(found)


def test_diverged_training_is_refused() -> None:
    validation = load_splits(config_of().data, 0).validation
    classifier = Classifier(SIZE, 1, 4, averaging=0.9)
    kernel = classifier.averaged_network.get_layer("logit").kernel
    kernel.assign(np.nan * kernel)
    best = BestOnValidation(validation)
    best.set_model(classifier)
    with pytest.raises(UserError, match="diverged in epoch 3"):
        best.on_epoch_end(2)
