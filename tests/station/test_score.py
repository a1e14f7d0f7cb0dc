import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ganad_station.score import clip_reconstructions, error_maps, scores, to_input


@given(
    arrays(np.uint8, (2, 4, 4, 3)),
    arrays(np.float32, (2, 4, 4, 3), elements=st.floats(0, 1, width=32)),
)
def test_score_is_the_mean_absolute_error(images: np.ndarray, copies: np.ndarray) -> None:
    exact = np.abs(images.astype(float) / 255 - copies.astype(float))
    np.testing.assert_allclose(scores(images, copies), exact.mean(axis=(1, 2, 3)), atol=1e-6)
    np.testing.assert_allclose(error_maps(images, copies), exact.mean(axis=3), atol=1e-6)


@given(arrays(np.uint8, (1, 4, 4, 1)))
def test_perfect_reconstruction_scores_zero(images: np.ndarray) -> None:
    assert scores(images, to_input(images)) == 0


def test_what_lies_outside_the_range_of_images_is_clipped() -> None:
    clipped = clip_reconstructions(np.array([-0.5, 0.25, 1.5], np.float32))
    assert clipped.tolist() == [0, 0.25, 1]
