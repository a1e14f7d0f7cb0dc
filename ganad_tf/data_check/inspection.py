"""What is to be known of a single picture and of its mask."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ganad_station.images import (
    UnreadableImageError,
    fit_image,
    image_shape,
    is_color,
    read_upright,
)
from ganad_tf.data.listing import NORMAL, Picture
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
    mask_problem, defect_share = _inspect_mask(picture, shape)
    return Inspection(
        picture,
        None,
        shape,
        color,
        float(grey.mean()),
        fit_image(grey, THUMBNAIL)[:, :, 0],
        mask_problem,
        defect_share,
    )


def _inspect_mask(picture: Picture, shape: tuple[int, int]) -> tuple[str | None, float | None]:
    if picture.mask is None:
        return None, None
    try:
        if image_shape(picture.mask) != shape:
            height, width = image_shape(picture.mask)
            return f"has {height} x {width} pixels, the picture {shape[0]} x {shape[1]}", None
        share = float((read_upright(picture.mask, 1) > 0).mean())
    except UnreadableImageError as error:
        return str(error), None
    if picture.kind == NORMAL and share:
        return "marks a defect of a normal part", None
    if picture.kind != NORMAL and not share:
        return "marks nothing", None
    return None, share
