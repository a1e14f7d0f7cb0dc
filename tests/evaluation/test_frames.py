import numpy as np
import pytest
from matplotlib.figure import Figure

from ganad_station.fitting import Box
from ganad_station.measurements import MEASUREMENTS
from ganad_tf.data.labeled import LabeledImages
from ganad_tf.evaluation.frames import Frame, frames_of, panel_ratio


def test_pictures_are_shown_as_they_were_taken() -> None:
    measurements = np.full((3, MEASUREMENTS), np.nan, np.float32)
    measurements[:2, :2] = [[480, 640], [400, 800]]
    names = np.full(3, "")
    data = LabeledImages(
        np.zeros((3, 32, 32, 1), np.uint8),
        np.zeros(3, np.int64),
        ("normal",),
        names,
        names,
        np.arange(3),
        measurements=measurements,
    )
    frames = frames_of(data)
    assert [frame.ratio for frame in frames] == pytest.approx([0.75, 0.5, 0.625])
    assert panel_ratio(frames) == pytest.approx(0.625)
    axes = Figure().subplots()
    frames[1].show(axes, data.images[1].squeeze())
    assert axes.get_aspect() == 0.5


def test_what_is_filled_is_not_shown() -> None:
    frame = Frame.of(Box(0, 8, 32, 16), (64, 32))
    shown = frame.show(Figure().subplots(), np.arange(32 * 32).reshape(32, 32))
    assert shown.get_array().shape == (32, 16)
    assert (frame.aspect, frame.ratio) == (1, 2)
