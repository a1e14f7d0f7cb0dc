"""Which pictures show the same part, told from names, from a list, or from what they show."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganad_tf.data.listing import Picture
from ganad_tf.data.near_duplicates import fingerprints, group_near_duplicates, join
from ganad_tf.errors import UserError


def check_pattern(pattern: str) -> None:
    """Raise `UserError` for what is no regular expression."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(f"--group-by {pattern!r} is no regular expression: {error}") from None


def part_of(name: str, pattern: str) -> str:
    """Return the part that a name tells: the first group of the pattern, or all that it matches.

    Raises:
        UserError: If the pattern does not match, or matches nothing.
    """
    found = re.search(pattern, name)
    part = found and (found[1] if found.re.groups else found[0])
    if not part:
        raise UserError(
            f"--group-by {pattern!r} finds no part in {name}: change the pattern or rename the file"
        )
    return part


def number_parts(pictures: Sequence[Picture], parts: Sequence[str | None]) -> NDArray[np.int64]:
    """Number parts; a picture of which it is not known is of a part of its own.

    Returns:
        int64 `(count,)`, from 0.
    """
    # A name cannot hold a NUL, so that no picture without a part falls into another's.
    named = [part or f"\0{picture.name}" for part, picture in zip(parts, pictures, strict=True)]
    return np.unique(named, return_inverse=True)[1].astype(np.int64)


def join_near_duplicates(
    pictures: Sequence[Picture],
    thumbnails: Sequence[NDArray[np.uint8]],
    shapes: Sequence[tuple[int, int]],
) -> NDArray[np.int64]:
    """Number parts by what pictures show, and by the groups of their list if there are any.

    Args:
        pictures: The pictures.
        thumbnails: What each shows, see `fingerprints`.
        shapes: Height and width of each in pixels.

    Returns:
        int64 `(count,)`, from 0.
    """
    shown = group_near_duplicates(fingerprints(np.stack(thumbnails)), np.array(shapes, np.int64))
    return join(shown, number_parts(pictures, [picture.group for picture in pictures]))
