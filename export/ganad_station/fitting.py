"""Fitting pictures of any shape into the images that a model takes, for training and station alike.

`stretch` scales height and width to those of the model, whatever the aspect ratio of the picture.
`letterbox` keeps the aspect ratio: the picture is scaled until it fits, and lies in the middle of
the image. The rest is filled with the mean color of the scaled picture. A constant fill is easy to
reconstruct, and that color is neither a step in brightness, as black bars would be, nor does it
change what the correction of illumination sees. Pixels that are repeated beyond the border would
show a defect at the border larger than it is. `native` takes pictures as they are, and none of
another height or width. All of it is integer arithmetic, so that any machine gets the very same
pixels.
"""

from typing import NamedTuple, Optional, Sequence, Tuple

import numpy as np

from ganad_station.illumination import even_out
from ganad_station.images import UnreadableImageError
from ganad_station.sizes import ImageSize, height_and_width

STRETCH, LETTERBOX, NATIVE = "stretch", "letterbox", "native"
FITS = (STRETCH, LETTERBOX, NATIVE)
LONGEST = 16
"""Longest side of a picture that is shown, as a multiple of the shorter one."""
STEP = 8
"""Heights and widths of letterboxed pictures are multiples of it, for the grids of measurements."""


class OtherSizeError(UnreadableImageError):
    """A picture has another size than that of the model, and must not be scaled."""


class Box(NamedTuple):
    """Where a picture lies in an image, in pixels.

    Attributes:
        top: Its first row.
        left: Its first column.
        height: Number of its rows.
        width: Number of its columns.
    """

    top: int
    left: int
    height: int
    width: int

    def cut(self, images: np.ndarray) -> np.ndarray:
        """Return the part of images or maps that is in the box.

        Args:
            images: `(height, width)` with any axes after these, such as an image with channels.
        """
        return images[self.top : self.top + self.height, self.left : self.left + self.width]


def check_native(shape: Tuple[int, int], size: ImageSize, fit: str, name: str) -> None:
    """Refuse a picture that would have to be scaled, if it must not be.

    Args:
        shape: Height and width of the picture in pixels.
        size: Height and width of the image in pixels, or one number for squares.
        fit: One of `FITS`.
        name: The name of the picture in the error message.

    Raises:
        OtherSizeError: If the fit is `native` and the sizes differ.
    """
    if fit == NATIVE and tuple(shape) != height_and_width(size):
        own, taken = ("{} x {}".format(*sides) for sides in (shape, height_and_width(size)))
        raise OtherSizeError(
            f"{name} has {own} pixels, but the fit native takes pictures of {taken} pixels alone"
        )


def box_of(shape: Tuple[int, int], size: ImageSize, fit: str) -> Box:
    """Return where a picture lies in the image that it is fitted into.

    Args:
        shape: Height and width of the picture in pixels.
        size: Height and width of the image in pixels, or one number for squares.
        fit: One of `FITS`.
    """
    (rows, columns), (height, width) = shape, height_and_width(size)
    if fit == LETTERBOX:
        if columns * height < rows * width:
            width = _scaled(columns, height, rows, width)
        else:
            height = _scaled(rows, width, columns, height)
    full_height, full_width = height_and_width(size)
    return Box((full_height - height) // 2, (full_width - width) // 2, height, width)


def boxes_of(shapes: Sequence[Tuple[int, int]], size: ImageSize, fit: str) -> Optional[np.ndarray]:
    """Return where pictures lie in the images that they are fitted into, see `box_of`.

    Returns:
        int64 `(count, 4)`, a `Box` for each picture; None where all of them fill their images.
    """
    if fit != LETTERBOX:
        return None
    return np.array([box_of(shape, size, fit) for shape in shapes], np.int64)


def _scaled(side: int, numerator: int, denominator: int, largest: int) -> int:
    """Scale a side and round it to a multiple of `STEP`, from `STEP` to `largest`."""
    steps = (2 * side * numerator + STEP * denominator) // (2 * STEP * denominator)
    return min(max(STEP * steps, STEP), largest)


def even_out_picture(image: np.ndarray, box: Box, illumination: str) -> np.ndarray:
    """Even out the picture in an image, see `ganad_station.illumination.even_out`.

    Args:
        image: uint8 `(height, width, channels)`, 0 to 255.
        box: Where the picture lies in it; the fill around it follows.
        illumination: How it is evened out.

    Returns:
        uint8 of the same shape.
    """
    return surround(even_out(box.cut(image), illumination), box, image.shape[:2])


def surround(picture: np.ndarray, box: Box, size: ImageSize) -> np.ndarray:
    """Fill the image around a picture with the mean color of the picture.

    Args:
        picture: uint8 `(box.height, box.width, channels)`.
        box: Where it lies in the image.
        size: Height and width of the image in pixels, or one number for squares.

    Returns:
        uint8 `(height, width, channels)`; the picture itself if it fills the image.
    """
    height, width = height_and_width(size)
    if (box.height, box.width) == (height, width):
        return picture
    count = box.height * box.width
    sums = picture.sum(axis=(0, 1), dtype=np.int64)
    image = np.empty((height, width, picture.shape[2]), np.uint8)
    image[...] = (2 * sums + count) // (2 * count)
    box.cut(image)[...] = picture
    return image


def undistorted(box: Box, shape: Tuple[int, int]) -> Tuple[int, int]:
    """Return the height and width at which people see a picture as the camera took it.

    Args:
        box: Where the picture lies in the image of the model.
        shape: Height and width of the picture as the camera took it, in pixels.

    Returns:
        Height and width in pixels. No side is smaller than in the box, and none more than
        `LONGEST` times as long as the other.
    """
    rows, columns = shape
    aspect = min(max(columns / rows, 1 / LONGEST), LONGEST)
    return max(box.height, round(box.width / aspect)), max(box.width, round(box.height * aspect))
