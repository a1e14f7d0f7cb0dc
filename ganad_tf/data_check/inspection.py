"""What is to be known of a single picture and of its mask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganad_station.images import UnreadableImageError, fit_image, is_color, read_upright
from ganad_tf.data.listing import Picture
from ganad_tf.data.masks import marked_pixels
from ganad_tf.data.near_duplicates import THUMBNAIL


@dataclass(frozen=True, eq=False)
class Inspection:
    """A picture that was looked at.

    Attributes:
        picture: Which.
        problem: Why it cannot be read, None if it can. Then the rest is:
        shape: Height and width in pixels, turned upright.
        color: Whether it has more than grey.
        brightness: Mean of its grey levels, 0 to 255.
        thumbnail: uint8 `(THUMBNAIL, THUMBNAIL)`, grey.
        mask_problem: What is wrong with its mask, None if nothing is or there is none.
        defect_share: Share of its pixels that the mask marks, None without a good mask.
    """

    picture: Picture
    problem: str | None = None
    shape: tuple[int, int] = (0, 0)
    color: bool = False
    brightness: float = 0.0
    thumbnail: NDArray[np.uint8] | None = None
    mask_problem: str | None = None
    defect_share: float | None = None


def inspect(picture: Picture) -> Inspection:
    """Decode a picture, and its mask if it has one."""
    try:
        color = is_color(picture.path)
        grey = read_upright(picture.path, 1)
    except UnreadableImageError as error:
        return Inspection(picture, problem=str(error))
    shape = (grey.shape[0], grey.shape[1])
    mask_problem, marked = marked_pixels(picture, shape)
    return Inspection(
        picture,
        None,
        shape,
        color,
        float(grey.mean()),
        fit_image(grey, THUMBNAIL)[:, :, 0],
        mask_problem,
        None if marked is None else float(marked.mean()),
    )
