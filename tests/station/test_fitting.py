"""Pictures of any shape in the images of a model: where they are, and what is around them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from ganad_station.fitting import (
    LETTERBOX,
    NATIVE,
    STEP,
    STRETCH,
    Box,
    box_of,
    boxes_of,
    even_out_picture,
    surround,
    undistorted,
)
from ganad_station.heatmap import overlay
from ganad_station.illumination import ILLUMINATIONS
from ganad_station.images import BILINEAR, UnreadableImageError
from ganad_station.inspector import Inspection
from ganad_station.measurements import MEASURES, measure_picture, prepare_and_measure
from ganad_station.score import WHOLE_IMAGE

SIZES = st.tuples(*[st.integers(1, 40).map(lambda side: 16 * side)] * 2)
SHAPES = st.tuples(*[st.integers(1, 5000)] * 2)


@given(SHAPES, SIZES)
def test_a_letterboxed_picture_fills_one_side_and_lies_in_the_middle(
    shape: tuple[int, int], size: tuple[int, int]
) -> None:
    box = box_of(shape, size, LETTERBOX)
    assert box.height == size[0] or box.width == size[1]
    assert (2 * box.top + box.height, 2 * box.left + box.width) == size
    assert box.height % STEP == box.width % STEP == 0
    scale = min(size[0] / shape[0], size[1] / shape[1])
    for side, exact in zip(box[2:], (scale * shape[0], scale * shape[1]), strict=True):
        assert abs(side - max(exact, STEP)) <= STEP / 2 + 1e-6


@given(SHAPES, SIZES)
def test_a_stretched_picture_fills_the_image(shape: tuple[int, int], size: tuple[int, int]) -> None:
    assert box_of(shape, size, STRETCH) == (0, 0, *size)
    assert boxes_of([shape], size, STRETCH) is None
    assert box_of(size, size, LETTERBOX) == (0, 0, *size)


@pytest.mark.parametrize(
    ("shape", "size", "box"),
    [
        ((480, 640), 128, Box(16, 0, 96, 128)),
        ((640, 480), 128, Box(0, 16, 128, 96)),
        ((1536, 2048), (512, 1280), Box(0, 300, 512, 680)),
        ((1, 5000), 64, Box(28, 0, 8, 64)),
    ],
)
def test_boxes_by_hand(shape: tuple[int, int], size: int | tuple[int, int], box: Box) -> None:
    assert box_of(shape, size, LETTERBOX) == box
    assert boxes_of([shape, shape], size, LETTERBOX).tolist() == [[*box], [*box]]


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("illumination", ILLUMINATIONS)
def test_the_station_prepares_what_training_prepares(channels: int, illumination: str) -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 150, (60, 45, channels), np.uint8)
    image, measurements = prepare_and_measure(
        pixels, (32, 48), channels, illumination, fit=LETTERBOX
    )
    box = Box(0, 12, 32, 24)
    opened = Image.fromarray(pixels.squeeze())
    scaled = np.asarray(opened.resize((24, 32), BILINEAR)).reshape(32, 24, channels)
    assert np.array_equal(
        image, even_out_picture(surround(scaled, box, (32, 48)), box, illumination)
    )
    inside = box.cut(image).reshape(-1, channels)
    fill = np.floor(inside.mean(axis=0) + 0.5).astype(np.uint8)
    assert np.all(image[:, :12] == fill)
    assert np.all(image[:, -12:] == fill)
    assert np.array_equal(measurements, measure_picture(opened, scaled))
    assert measurements[: MEASURES.index("color")].tolist() == [60, 45]
    if illumination == "as-taken":
        assert np.array_equal(box.cut(image), scaled)


def test_a_native_picture_keeps_its_pixels_and_its_size_is_the_only_one() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 48, 1), np.uint8)
    image, _ = prepare_and_measure(pixels, (32, 48), 1, fit=NATIVE)
    assert np.array_equal(image, pixels)
    with pytest.raises(UnreadableImageError, match=r"32 x 48 pixels, but .* 48 x 32 pixels alone"):
        prepare_and_measure(pixels, (48, 32), 1, fit=NATIVE)


@given(SHAPES)
def test_people_see_a_picture_as_the_camera_took_it(shape: tuple[int, int]) -> None:
    box = Box(0, 0, 96, 128)
    height, width = undistorted(box, shape)
    assert height >= box.height
    assert width >= box.width
    aspect = min(max(shape[1] / shape[0], 1 / 16), 16)
    assert abs(width - aspect * height) <= max(aspect, 1)


@pytest.mark.parametrize("fit", [STRETCH, LETTERBOX])
def test_heat_maps_have_the_aspect_ratio_of_their_pictures(fit: str) -> None:
    pixels = np.random.default_rng(0).integers(90, 160, (100, 300, 1), np.uint8)
    image, _ = prepare_and_measure(pixels, 64, 1, fit=fit)
    inspection = Inspection(
        0.1, False, image, image[np.newaxis] + np.uint8(9), WHOLE_IMAGE, 0.1, None, (100, 300), fit
    )
    drawn = overlay(inspection)
    assert drawn.height >= 256
    assert drawn.width / 2 / drawn.height == pytest.approx(3, rel=0.05)


def test_heat_maps_of_undistorted_pictures_have_whole_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    inspection = Inspection(
        0.1, False, image, image[np.newaxis], WHOLE_IMAGE, 0.1, None, (640, 480), STRETCH
    )
    drawn = np.asarray(overlay(inspection))
    assert drawn.shape == (256, 2 * 192, 3)
    assert np.array_equal(drawn[::4, :192:4], image)
