from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from ganad_tf.config import ANOMALY_LOSSES, NORMAL_LOSSES, LossConfig
from ganad_tf.models.detector import (
    DISCRIMINATORS,
    LOSS_NAMES,
    AnomalyDetector,
)

SIZE = 16
LOSS = LossConfig(patch_size=4)


def make_detector(**options) -> AnomalyDetector:
    """Return a detector that runs eagerly: a few steps take less time than their compilation."""
    keras.utils.set_random_seed(0)
    detector = AnomalyDetector(SIZE, 1, 4, options.pop("loss", LOSS), **options)
    detector.compile(optimizer="adam", run_eagerly=True)
    return detector


def make_pairs(batches: int = 3, count: int = 6) -> tf.data.Dataset:
    rng = np.random.default_rng(0)
    normal = rng.random((batches * count, SIZE, SIZE, 1), np.float32) * 0.5
    anomaly = 1 - rng.random((batches * count, SIZE, SIZE, 1), np.float32) * 0.5
    return tf.data.Dataset.from_tensor_slices((normal, anomaly)).batch(count)


def first_pair() -> tuple[tf.Tensor, tf.Tensor]:
    return next(iter(make_pairs()))


def test_fits_with_a_plain_optimizer_and_learns_to_reconstruct_normals_alone() -> None:
    detector = make_detector(averaging=0.9)
    detector.compile(optimizer=keras.optimizers.Adam(3e-3))
    seen: list[dict[str, float]] = []
    callback = keras.callbacks.LambdaCallback(on_epoch_end=lambda _, logs: seen.append(logs))
    detector.fit(make_pairs(), epochs=60, verbose=0, callbacks=[callback])
    assert len(seen) == 60
    assert set(seen[0]) == set(LOSS_NAMES)
    normal, anomaly = first_pair()
    normal_error = np.abs(detector.predict(normal, verbose=0) - normal).mean()
    anomaly_error = np.abs(detector.predict(anomaly, verbose=0) - anomaly).mean()
    assert anomaly_error > 1.5 * normal_error


def test_each_network_is_moved_by_a_step() -> None:
    detector = make_detector()
    networks = (detector.generator, detector.normal_discriminator, detector.anomaly_discriminator)
    before = [[np.array(w) for w in network.trainable_weights] for network in networks]
    detector.fit(make_pairs(1), verbose=0)
    for network, old in zip(networks, before, strict=True):
        assert all(
            not np.array_equal(new, past)
            for new, past in zip(network.trainable_weights, old, strict=True)
        )


def test_normals_and_anomalies_share_their_batch_statistics() -> None:
    detector = make_detector()
    normal, anomaly = first_pair()
    normal_output, anomaly_output = detector.reconstruct_pair(normal, anomaly, training=True)
    together = detector.generator(tf.concat([normal, anomaly], 0), training=True)
    np.testing.assert_allclose(tf.concat([normal_output, anomaly_output], 0), together, atol=1e-6)
    apart = detector.generator(normal, training=True)
    assert not np.allclose(normal_output, apart, atol=1e-3)


def test_the_latent_loss_leaves_the_moving_statistics_to_real_images() -> None:
    detector = make_detector()
    normal, anomaly = first_pair()
    twin = make_detector().generator
    twin(tf.concat([normal, anomaly], 0), training=True)
    detector.compute_losses(normal, anomaly)
    for mine, expected in zip(
        detector.generator.non_trainable_weights, twin.non_trainable_weights, strict=True
    ):
        np.testing.assert_allclose(mine, expected, atol=1e-6)


def test_the_latent_loss_of_perfect_reconstructions_is_zero() -> None:
    detector = make_detector()
    detector.fit(make_pairs(), verbose=0)
    normal, anomaly = first_pair()
    values = detector.losses_of(normal, anomaly, normal, anomaly, training=True)
    assert float(values["latent"]) == 0
    assert float(values["reconstruction"]) == 0
    noisy = detector.losses_of(normal, anomaly, normal + 0.1, anomaly, training=True)
    assert float(noisy["latent"]) > 0


def test_validation_data_are_measured_and_change_nothing() -> None:
    detector = make_detector()
    before = [np.array(w) for w in detector.weights]
    values = detector.evaluate(make_pairs(1), return_dict=True, verbose=0)
    assert set(values) == set(LOSS_NAMES)
    for now, past in zip(detector.weights, before, strict=True):
        assert np.array_equal(now, past)
    history = detector.fit(make_pairs(), validation_data=make_pairs(1), verbose=0).history
    assert "val_abc" in history


def test_joint_regime_adds_the_weighted_losses() -> None:
    detector = make_detector()
    values = {name: tf.constant(float(index + 1)) for index, name in enumerate(LOSS_NAMES)}
    # reconstruction 1, patch 2, latent 3, adversarial 4, anomaly adversarial 5, ABC 6
    expected = 1.5 * 1 + 1.5 * 2 + 0.5 * 3 + 0.5 * 4 + 1.0 * 5 + 0.5 * 6
    assert float(detector.generator_loss(values)) == pytest.approx(expected)


@pytest.mark.parametrize("name", [*NORMAL_LOSSES, *ANOMALY_LOSSES])
def test_a_loss_of_weight_0_is_left_out_and_the_others_train(name: str, tmp_path: Path) -> None:
    detector = make_detector(loss=LOSS.derive(**{name: 0.0}))
    history = detector.fit(make_pairs(1), verbose=0).history
    left_out = {name, DISCRIMINATORS.get(name)} - {None}
    assert set(history) == set(LOSS_NAMES) - left_out
    assert all(np.isfinite(values[0]) for values in history.values())
    detector.save(tmp_path / "detector.keras")
    loaded = keras.saving.load_model(tmp_path / "detector.keras")
    for model in (detector, loaded):
        model.fit(make_pairs(1), verbose=0)
    for mine, expected in zip(loaded.weights, detector.weights, strict=True):
        np.testing.assert_allclose(mine, expected, atol=1e-6)


def test_one_discriminator_serves_normal_images_and_anomalies() -> None:
    detector = make_detector(loss=LOSS.derive(discriminators=1))
    assert detector.anomaly_discriminator is detector.normal_discriminator
    networks = [detector.generator, detector.normal_discriminator]
    assert len(detector.trainable_variables) == sum(len(n.trainable_variables) for n in networks)
    before = [np.array(w) for w in detector.normal_discriminator.trainable_weights]
    history = detector.fit(make_pairs(), verbose=0).history
    assert set(history) == set(LOSS_NAMES)
    for now, past in zip(detector.normal_discriminator.trainable_weights, before, strict=True):
        assert not np.array_equal(now, past)


def test_trains_without_anomalies_where_their_losses_are_off() -> None:
    loss = LOSS.derive(abc=0.0, anomaly_adversarial=0.0)
    detector = make_detector(loss=loss)
    normal, anomaly = first_pair()
    nothing = tf.data.Dataset.from_tensors((normal, anomaly[:0])).repeat(10)
    before = np.abs(detector.generator.predict(normal, verbose=0) - normal).mean()
    detector.fit(nothing, verbose=0)
    assert np.abs(detector.generator.predict(normal, verbose=0) - normal).mean() < before


def test_the_abc_loss_is_that_of_the_scaled_error_of_each_anomaly() -> None:
    detector = make_detector(loss=LOSS.derive(abc_scale=4.0))
    normal, anomaly = first_pair()
    reconstructions = detector.reconstruct_pair(normal, anomaly, training=False)
    values = detector.losses_of(normal, anomaly, *reconstructions, training=False)
    errors = np.abs(np.asarray(anomaly, np.float64) - reconstructions[1]).mean(axis=(1, 2, 3))
    assert float(values["abc"]) == pytest.approx(-np.log(1 - np.exp(-4 * errors)).mean(), rel=1e-4)


@pytest.mark.parametrize("is_marked", [False, True])
def test_the_abc_loss_takes_the_patches_of_a_defect_that_stand_out(is_marked: bool) -> None:
    detector = make_detector(loss=LOSS.derive(abc_patches=2))
    normal, anomaly = first_pair()
    reconstructions = detector.reconstruct_pair(normal, anomaly, training=False)
    defects = np.ones((6, SIZE, SIZE), np.float32)
    if is_marked:
        defects[:, 8:] = 0
    values = detector.losses_of(
        normal, anomaly, *reconstructions, False, defects if is_marked else None
    )
    errors = np.abs(np.asarray(anomaly, np.float64) - reconstructions[1])[..., 0] * defects
    patches = errors.reshape(6, 4, 4, 4, 4).mean(axis=(2, 4)).reshape(6, 16)
    largest = np.sort(patches, axis=1)[:, -2:].mean(axis=1)
    assert float(values["abc"]) == pytest.approx(-np.log(1 - np.exp(-largest)).mean(), rel=1e-4)


def test_random_regime_takes_one_group_per_step_each_about_half_the_time() -> None:
    detector = make_detector(loss=LOSS.derive(regime="random"))
    values = {name: tf.constant(1.0) for name in LOSS_NAMES}
    taken = []
    for step in range(400):
        detector.optimizer.iterations.assign(step)
        taken.append(float(detector.generator_loss(values)))
    assert set(taken) == {4.0, 1.5}
    assert 150 < taken.count(4.0) < 250


def test_averaged_generator_follows_the_recursion() -> None:
    detector = make_detector(averaging=0.6)
    average = [np.array(w) for w in detector.averaged_generator.weights]
    for step, pair in enumerate(make_pairs(4), start=1):
        detector.fit(tf.data.Dataset.from_tensors(pair), verbose=0)
        decay = min(0.6, step / (step + 10))
        average = [
            decay * mean + (1 - decay) * np.array(w)
            for mean, w in zip(average, detector.generator.weights, strict=True)
        ]
    for mine, expected in zip(detector.averaged_generator.weights, average, strict=True):
        np.testing.assert_allclose(mine, expected, rtol=1e-4, atol=1e-6)


def test_saves_and_loads_in_safe_mode_and_goes_on_the_same(tmp_path: Path) -> None:
    detector = make_detector()
    detector.fit(make_pairs(), verbose=0)
    detector.save(tmp_path / "detector.keras")
    loaded = keras.saving.load_model(tmp_path / "detector.keras", safe_mode=True)
    assert loaded.get_config() == detector.get_config()
    for model in (detector, loaded):
        model.fit(make_pairs(), verbose=0)
    normal, _ = first_pair()
    np.testing.assert_allclose(loaded.predict(normal), detector.predict(normal), atol=1e-6)


@pytest.mark.parametrize(("size", "channels"), [(32, 3), (48, 1)])
def test_other_shapes_train(size: int, channels: int) -> None:
    detector = AnomalyDetector(size, channels, 2)
    detector.compile(optimizer="sgd")
    images = np.random.default_rng(0).random((4, size, size, channels), np.float32)
    detector.fit(tf.data.Dataset.from_tensors((images, 1 - images)), verbose=0)
    assert detector.predict(images, verbose=0).shape == images.shape


@pytest.mark.parametrize(
    ("position", "loss", "patches"),
    [
        (1, {"abc_patches": 0}, 1),
        (1, {"abc_patches": 3}, 3),
        (0, {"patch_count": 2}, 2),
    ],
)
def test_of_the_candidates_of_an_image_the_worst_reconstructed_is_trained_on(
    position: int, loss: dict[str, int], patches: int
) -> None:
    detector, other = (make_detector(loss=LOSS.derive(**loss)) for _ in range(2))
    rng = np.random.default_rng(1)
    pair = list(first_pair())
    candidates = rng.random((6, 4, SIZE, SIZE, 1), np.float32) * rng.random((6, 4, 1, 1, 1))
    reconstructions = np.stack(
        [detector.generator(images, training=False) for images in candidates]
    )
    errors = (
        np.abs(candidates - reconstructions)[..., 0].reshape(6, 4, 4, 4, 4, 4).mean(axis=(3, 5))
    )
    worst = np.sort(errors.reshape(6, 4, 16), axis=2)[..., -patches:].mean(axis=2)
    chosen = worst.argmax(axis=1)
    assert len(set(chosen.tolist())) > 1
    pair[position] = tf.constant(candidates, tf.float32)
    found = detector.train_step(tuple(pair))
    pair[position] = tf.constant(candidates[np.arange(6), chosen], tf.float32)
    expected = other.train_step(tuple(pair))
    assert {name: float(value) for name, value in found.items()} == {
        name: float(value) for name, value in expected.items()
    }
    for mine, theirs in zip(detector.weights, other.weights, strict=True):
        np.testing.assert_array_equal(mine, theirs)
