"""Numbers the parts that pictures show, from names, from a list, or from near duplicates."""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ganad_tf.data.listing import Picture
from ganad_tf.data.near_duplicates import fingerprints, group_near_duplicates, join
from ganad_tf.errors import UserError


def check_pattern(pattern: str) -> None:
    """Raise `UserError` if a pattern is not a regular expression."""
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise UserError(f"--group-by {pattern!r} is not a regular expression: {error}") from None


def part_of(name: str, pattern: str) -> str:
    """Find the name of the part in the name of a picture.

    Args:
        name: Name of the picture.
        pattern: A regular expression. Its first group matches the part or, if it has no groups,
            the whole expression does.

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
    """Number the parts that pictures show.

    Args:
        pictures: The entries of the listing.
        parts: Name of the part that each picture shows; None if it is not known, in which case the
            picture gets a number of its own.

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
    """Number parts by near duplicates, joined with the groups of the list if there are any.

    Args:
        pictures: The entries of the listing.
        thumbnails: uint8 `(THUMBNAIL, THUMBNAIL)` for each picture, from `thumbnail`.
        shapes: Height and width of each picture in pixels.

    Returns:
        int64 `(count,)`, from 0.
    """
    shown = group_near_duplicates(fingerprints(np.stack(thumbnails)), np.array(shapes, np.int64))
    return join(shown, number_parts(pictures, [picture.group for picture in pictures]))
