"""The bits per channel of the pictures of a folder or list, and the white level that they have."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganad_station.depth import describe_white_level, find_white_level, is_deep, read_levels
from ganad_station.images import open_header
from ganad_station.pages import has_more_pages
from ganad_station.printing import printable
from ganad_tf.config import RunConfig
from ganad_tf.config.defaults import FOLDER
from ganad_tf.data.listing import Picture, examples
from ganad_tf.data.place import list_pictures
from ganad_tf.system.environment import cores

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Depth:
    """The bits of a picture.

    Attributes:
        picture: The entry of the listing.
        is_deep: Whether it has more than 8 bits per channel.
        has_more_pages: Whether its file has further pages, which are not used.
        largest: Its largest level, 0 to 65,535; 0 unless it is deep.
        used_bits: The bitwise or of its levels; 0 unless it is deep.
    """

    picture: Picture
    is_deep: bool
    has_more_pages: bool
    largest: int = 0
    used_bits: int = 0


@dataclass(frozen=True)
class DepthFacts:
    """The bits of the pictures of a folder or list.

    Attributes:
        eight_bits: Number of pictures with up to 8 bits per channel.
        more_bits: Number of pictures with more.
        largest: The largest level of the latter, 0 to 65,535; 0 without any.
        white_level: The white level found, see `ganad_station.depth.find_white_level`; None without
            any. Pictures that the source assigns to the test do not count, unless only they have
            more than 8 bits.
        several_pages: Names of the files with several pages, of which the first one is used.
    """

    eight_bits: int
    more_bits: int
    largest: int
    white_level: int | None
    several_pages: tuple[str, ...]

    @property
    def warnings(self) -> list[str]:
        """What the user should know, one sentence each."""
        found = []
        if self.eight_bits and self.more_bits:
            found.append(
                f"of {self.eight_bits + self.more_bits} pictures, {self.eight_bits} with 8 bits "
                f"per channel keep their levels, and {self.more_bits} with more are scaled to 8 "
                "bits by the white level: save all in the same way, or the detector may learn the "
                "difference"
            )
        if self.several_pages:
            found.append(
                f"of files with several pages, only the first page is used "
                f"({examples(list(self.several_pages))}): save each page as a file of its own"
            )
        return found


def survey_depth(pictures: Sequence[Picture]) -> DepthFacts:
    """Find the bits per channel, by the headers of the files; deep pictures are decoded, too.

    Args:
        pictures: The entries of the listing. Those that cannot be read do not count.
    """
    with ThreadPoolExecutor(cores()) as pool:
        found = [depth for depth in pool.map(_measure, pictures) if depth is not None]
    deep = [depth for depth in found if depth.is_deep]
    trained = [depth for depth in deep if depth.picture.split != "test"] or deep
    largest = max((depth.largest for depth in trained), default=0)
    used_bits = int(np.bitwise_or.reduce([depth.used_bits for depth in trained] or [0]))
    return DepthFacts(
        len(found) - len(deep),
        len(deep),
        largest,
        find_white_level(largest, used_bits) if deep else None,
        tuple(depth.picture.name for depth in found if depth.has_more_pages),
    )


def settle_levels(config: RunConfig) -> RunConfig:
    """Find the white level of the pictures of a folder or list, if it is not given.

    Logs the white level, and warns of what `DepthFacts.warnings` names and of clipped levels.

    Returns:
        The configuration with `data.levels` set; unchanged if all pictures have 8 bits, or if the
        pictures are not those of a folder.

    Raises:
        UserError: If the folder or list cannot be read.
    """
    data = config.data
    if data.dataset != FOLDER or not data.data_dir:
        return config
    listing = list_pictures(Path(data.data_dir), lambda _: None, data.keeps_splits)
    facts = survey_depth(listing.pictures)
    for warning in facts.warnings:
        logger.warning("%s", printable(warning))
    if facts.white_level is None:
        return config
    if data.levels is None:
        logger.info("%s", describe_white_level(facts.white_level))
        return config.derive(data={"levels": facts.white_level})
    if facts.largest > data.levels:
        logger.warning(
            "there are levels up to %d: those above the white level %d become 255",
            facts.largest,
            data.levels,
        )
    return config


def _measure(picture: Picture) -> Depth | None:
    try:
        with open_header(picture.path) as image:
            deep = is_deep(image)
            levels = read_levels(image) if deep else None
            more_pages = has_more_pages(image)
    except Exception:  # Pillow's decoders raise any exception; loading names the picture.
        return None
    if levels is None:
        return Depth(picture, deep, more_pages)
    largest, used_bits = int(levels.max()), int(np.bitwise_or.reduce(levels, axis=None))
    return Depth(picture, deep, more_pages, largest, used_bits)
