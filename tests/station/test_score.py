import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganad_station.inspector import Inspection
from ganad_station.score import (
    ScoreRule,
    clip_reconstructions,
    error_maps,
    reconstruct_views,
    scores,
    shown_maps,
    smooth_maps,
    to_input,
)


@given(
    arrays(np.uint8, (2, 4, 4, 3)),
    arrays(np.float32, (2, 4, 4, 3), elements=st.floats(0, 1, width=32)),
)
def test_score_is_the_mean_absolute_error(images: np.ndarray, reconstructions: np.ndarray) -> None:
    exact = np.abs(images.astype(float) / 255 - reconstructions.astype(float))
    np.testing.assert_allclose(
        scores(images, reconstructions), exact.mean(axis=(1, 2, 3)), atol=1e-6
    )
    np.testing.assert_allclose(error_maps(images, reconstructions), exact.mean(axis=3), atol=1e-6)


@given(arrays(np.uint8, (1, 4, 4, 1)))
def test_perfect_reconstruction_scores_zero(images: np.ndarray) -> None:
    assert scores(images, to_input(images)) == 0


def test_what_lies_outside_the_range_of_images_is_clipped() -> None:
    clipped = clip_reconstructions(np.array([-0.5, 0.25, 1.5], np.float32))
    assert clipped.tolist() == [0, 0.25, 1]


@given(arrays(np.uint8, (2, 4, 4, 3)), arrays(np.uint8, (2, 4, 4, 3)))
def test_integer_scores_equal_the_float_definition(
    images: np.ndarray, reconstructions: np.ndarray
) -> None:
    as_float = reconstructions.astype(np.float32) / np.float32(255)
    np.testing.assert_allclose(scores(images, reconstructions), scores(images, as_float), atol=1e-6)
    np.testing.assert_allclose(
        error_maps(images, reconstructions), error_maps(images, as_float), atol=1e-6
    )
    exact = np.abs(images.astype(int) - reconstructions.astype(int)).sum(axis=(1, 2, 3)) / (
        48 * 255
    )
    assert scores(images, reconstructions).tolist() == exact.tolist()


@given(
    arrays(np.uint8, (2, 8, 4, 3)),
    arrays(np.uint8, (2, 8, 4, 3)),
    st.sampled_from([ScoreRule(2, 1), ScoreRule(2, 3), ScoreRule(4, 2), ScoreRule(1, 32)]),
)
def test_the_patch_score_is_the_mean_error_of_the_worst_patches(
    images: np.ndarray, reconstructions: np.ndarray, rule: ScoreRule
) -> None:
    errors = np.abs(images.astype(int) - reconstructions.astype(int))
    side = rule.patch_size
    for image_errors, score in zip(errors, scores(images, reconstructions, rule), strict=True):
        patches = [
            image_errors[row : row + side, column : column + side].mean()
            for row in range(0, 8, side)
            for column in range(0, 4, side)
        ]
        expected = np.mean(sorted(patches)[-rule.patch_count :]) / 255
        np.testing.assert_allclose(score, expected, rtol=1e-12)
    floats = reconstructions.astype(np.float32) / np.float32(255)
    np.testing.assert_allclose(
        scores(images, reconstructions, rule), scores(images, floats, rule), atol=1e-6
    )


def test_all_patches_together_are_the_whole_image() -> None:
    rng = np.random.default_rng(0)
    images, reconstructions = rng.integers(0, 256, (2, 3, 16, 16, 1)).astype(np.uint8)
    assert (
        scores(images, reconstructions, ScoreRule(4, 16)).tolist()
        == scores(images, reconstructions).tolist()
    )


@pytest.mark.parametrize("window", [1, 3, 5, 17])
def test_smooth_maps_are_means_of_what_lies_inside(window: int) -> None:
    maps = np.random.default_rng(0).random((2, 12, 9), np.float32)
    half = window // 2
    padded = np.pad(maps, ((0, 0), (half, half), (half, half)), constant_values=np.nan)
    squares = np.lib.stride_tricks.sliding_window_view(padded, (window, window), axis=(1, 2))
    found = smooth_maps(maps, window)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.nanmean(squares, axis=(3, 4)), rtol=1e-5)


def test_a_map_is_averaged_over_two_patches() -> None:
    assert ScoreRule(8, 3).map_window == 17
    assert ScoreRule().map_window == 1


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        (ScoreRule(), None),
        (ScoreRule(0, 99), None),
        (ScoreRule(4, 6, 4), None),
        (ScoreRule(4, 7), "patch count 7 is not between 1 and 6"),
        (ScoreRule(4, 0), "patch count 0 is not between 1 and 6"),
        (ScoreRule(12), "patch size 12 does not divide the image size 8x12"),
        (ScoreRule(-4), "patch size -4 does not divide"),
        (ScoreRule(views=3), "views must be 1, 2 or 4, got 3"),
    ],
)
def test_a_rule_tells_why_it_does_not_fit_images(rule: ScoreRule, problem: str | None) -> None:
    found = rule.problem(8, 12)
    assert found is None if problem is None else problem in (found or "")


@pytest.mark.parametrize("rule", [ScoreRule(), ScoreRule(2, 3)])
def test_shown_maps_are_smoothed_where_patches_count(rule: ScoreRule) -> None:
    images, reconstructions = (
        np.random.default_rng(0).integers(0, 256, (2, 3, 8, 8, 3)).astype(np.uint8)
    )
    expected = smooth_maps(error_maps(images, reconstructions), rule.map_window)
    assert np.array_equal(shown_maps(images, reconstructions, rule), expected)


def darker_to_the_right_and_below(images: np.ndarray) -> np.ndarray:
    """Change images as no mirrored image would be changed."""
    rows, columns = np.indices(images.shape[-3:-1])
    return images // (1 + (rows + 2 * columns)[..., np.newaxis]).astype(np.uint8)


@given(
    arrays(np.uint8, (2, 4, 6, 3)),
    st.sampled_from([(0, 1), (2, 1), (2, 4)]),
    st.sampled_from([1, 2, 4]),
)
def test_a_score_of_views_comes_from_the_mean_of_their_errors(
    images: np.ndarray, patches: tuple[int, int], count: int
) -> None:
    rule = ScoreRule(*patches, count)
    mirrorings = [np.asarray, np.fliplr, np.flipud, lambda image: np.rot90(image, 2)][:count]
    reconstructions = [
        np.stack([mirror(darker_to_the_right_and_below(mirror(image))) for mirror in mirrorings])
        for image in images
    ]
    errors = np.array(
        [
            np.abs(image.astype(int) - views.astype(int)).mean(axis=0)
            for image, views in zip(images, reconstructions, strict=True)
        ]
    )
    found = reconstruct_views(images, darker_to_the_right_and_below, count)
    assert np.array_equal(found, np.stack(reconstructions, axis=1))
    np.testing.assert_allclose(error_maps(images, found), errors.mean(axis=3) / 255, atol=1e-6)
    height, width = (rule.patch_size, rule.patch_size) if rule.patch_size else (4, 6)
    for image_errors, score in zip(errors, scores(images, found, rule), strict=True):
        values = [
            image_errors[row : row + height, column : column + width].mean()
            for row in range(0, 4, height)
            for column in range(0, 6, width)
        ]
        worst = sorted(values)[-rule.patch_count :]
        np.testing.assert_allclose(score, np.mean(worst) / 255, rtol=1e-12)
    floats = found.astype(np.float32) / np.float32(255)
    np.testing.assert_allclose(scores(images, floats, rule), scores(images, found, rule), atol=1e-6)


def test_the_score_of_an_image_is_that_of_its_mirrored_image() -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 1)).astype(np.uint8)
    rule = ScoreRule(4, 2, 4)
    expected = scores(images, reconstruct_views(images, darker_to_the_right_and_below, 4), rule)
    for axes in (1, 2, (1, 2)):
        mirrored = np.flip(images, axes)
        reconstructions = reconstruct_views(mirrored, darker_to_the_right_and_below, 4)
        assert scores(mirrored, reconstructions, rule).tolist() == expected.tolist()


@pytest.mark.parametrize("is_integer", [True, False])
@pytest.mark.parametrize("views", [1, 2])
def test_what_is_filled_around_a_picture_does_not_count(is_integer: bool, views: int) -> None:
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (2, 16, 24, 1), np.uint8)
    reconstructions = rng.integers(0, 256, (views, 2, 16, 24, 1), np.uint8)
    boxes = np.array([[0, 4, 16, 16], [4, 0, 8, 24]])
    if not is_integer:
        reconstructions = to_input(reconstructions)
    found, patches = (
        scores(images, reconstructions, rule, boxes)
        for rule in (ScoreRule(views=views), ScoreRule(8, 1, views))
    )
    errors = np.abs(
        images - (1.0 if is_integer else 255.0) * reconstructions.astype(np.float64)
    ).mean(axis=(0, 4))
    inside = np.zeros((2, 16, 24))
    inside[0, :, 4:20] = inside[1, 4:12] = 1
    exact = (errors * inside).sum(axis=(1, 2)) / inside.sum(axis=(1, 2)) / 255
    np.testing.assert_allclose(found, exact, rtol=1e-6)
    blocks = (errors * inside).reshape(2, 2, 8, 3, 8).mean(axis=(2, 4)).max(axis=(1, 2)) / 255
    np.testing.assert_allclose(patches, blocks, rtol=1e-6)
    whole = np.array([[0, 0, 16, 24]] * 2)
    for rule in (ScoreRule(views=views), ScoreRule(8, 2, views)):
        plain = scores(images, reconstructions, rule)
        assert scores(images, reconstructions, rule, whole).tolist() == plain.tolist()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("rule", [ScoreRule(), ScoreRule(4, 1, 4)])
def test_an_inspection_shows_its_errors_in_levels(rule: ScoreRule, channels: int) -> None:
    drawn = np.random.default_rng(0).integers(0, 256, (rule.views + 1, 8, 12, channels))
    image, *reconstructions = drawn.astype(np.uint8)
    inspection = Inspection(0.1, False, image, np.stack(reconstructions), rule, 0.1)
    errors = np.abs(drawn[1:] - drawn[0]).mean(axis=(0, 3))
    smooth = smooth_maps(errors[np.newaxis].astype(np.float32), rule.map_window)[0]
    assert inspection.error_map.dtype == np.uint8
    assert np.abs(inspection.error_map - smooth).max() <= 0.5 + 1e-3
