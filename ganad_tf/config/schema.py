"""The settings of a run, by section; `ganad_tf.config.run_config` puts the sections together.

This module is longer than others because it holds every setting with its description.
"""

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Literal

from ganad_station.depth import LARGEST_LEVEL
from ganad_station.score import VIEW_COUNTS, WHOLE_IMAGE, ScoreRule
from ganad_station.sizes import ImageSize, height_and_width, in_words
from ganad_tf.config.section import (
    FRACTION,
    OPEN_FRACTION,
    POSITIVE,
    Range,
    Section,
    at_least,
    setting,
)
from ganad_tf.errors import UserError

MEASURED: Literal["measured"] = "measured"
"""The value of `train.flip` that the good training pictures decide on."""
DOWNSAMPLING = 16
ON_NORMAL, ON_ANOMALIES = "losses on normal images", "losses on anomalies"
WIDTH_PRESETS = {"nano": 8, "small": 12, "medium": 16, "large": 24}
"""Feature maps of the first layer by name."""


def check_size(size: ImageSize) -> None:
    """Raise `UserError` unless the four stride-2 layers of the generator divide both sides."""
    sides = height_and_width(size)
    if any(side <= 0 or side % DOWNSAMPLING for side in sides):
        height, width = (
            max(DOWNSAMPLING, round(side / DOWNSAMPLING) * DOWNSAMPLING) for side in sides
        )
        raise UserError(
            f"image size {in_words(size)} is not a multiple of {DOWNSAMPLING} "
            f"(the generator halves it four times): try {in_words((height, width))}"
        )


@dataclass(frozen=True)
class DataConfig(Section):
    """The images and how they are split and sampled."""

    NAME: ClassVar = "data"

    dataset: str = setting("digits", "Name of the data set; `folder` reads images of your own.")
    data_dir: str | None = setting(
        None,
        "Folder with the files, or for pictures of your own a folder or CSV list as docs/data.md "
        "describes. If not set, the usual places are searched.",
    )
    normal_class: int = setting(
        0, "Index of the class that is normal; all other classes are anomalies."
    )
    size: ImageSize = setting(
        32,
        "Height and width in pixels that images are resized to, multiples of 16: one number for "
        "squares, or a list such as `[512, 1280]` (as a flag, `512x1280`).",
    )
    tile: int | None = setting(
        None,
        "Height and width in pixels, a multiple of 16, of the tiles that are cut out of images for "
        "training. Tiles of anomalies are cut at the defects that masks mark or, without masks, "
        "where the reconstruction error is largest. Scoring always takes the whole image. "
        "If not set, training takes whole images, too.",
    )
    fit: Literal["stretch", "letterbox", "native"] = setting(
        "stretch",
        "How pictures are fitted into that size, in training and on the station: `stretch` scales "
        "height and width, which changes the aspect ratio if it differs; `letterbox` keeps the "
        "aspect ratio and fills the rest with the mean color of the picture; `native` takes "
        "pictures as they are, all of which must have that size.",
    )
    channels: int | None = setting(
        None,
        "Number of channels that images are converted to. If not set, as in the files.",
        Range("1 for grey or 3 for RGB", lambda value: value in (1, 3)),
    )
    levels: int | None = setting(
        None,
        "White level of pictures with more than 8 bits per channel, such as 4095 for 12 bits: 0 to "
        "this level become 0 to 255, and levels above it 255. If not set, training takes the "
        "largest level of 8, 10, 12, 14 or 16 bits that holds all levels of the pictures, and "
        "records it. Pictures with 8 bits keep their levels.",
        Range("between 1 and 65535", lambda value: 1 <= value <= LARGEST_LEVEL),
    )
    illumination: Literal["as-taken", "brightness", "contrast"] = setting(
        "as-taken",
        "What is evened out between images, in training and on the station: `as-taken` nothing, "
        "`brightness` the mean of the pixel values, `contrast` their mean and standard deviation.",
    )
    protocol: Literal["divided", "mvtec"] = setting(
        "divided",
        "What becomes of pictures that the data set has for the test alone, as MVTec AD has its "
        "defects: `divided` trains on a part of them, `mvtec` on none, so that figures can be "
        "compared with published ones. It takes synthetic anomalies.",
    )
    validation_fraction: float = setting(
        0.1,
        "Fraction of the images outside the test split that is used for validation.",
        OPEN_FRACTION,
    )
    test_fraction: float = setting(
        0.3,
        "Fraction of the images that is used for the test, if the data set has no test split "
        "of its own.",
        OPEN_FRACTION,
    )
    anomaly_test_fraction: float | None = setting(
        None,
        "Fraction of the anomalies of each kind that is used for the test. If not set, "
        "`test_fraction`.",
        OPEN_FRACTION,
    )
    anomalies: int | Literal["balanced"] = setting(
        "balanced",
        "Number of labelled anomalies to train with, 0 for none; `balanced` takes about as many as "
        "there are normal images (paper, section 3.5).",
        at_least(0),
    )
    anomaly_source: Literal["labelled", "synthetic", "both"] = setting(
        "labelled",
        "Anomalies to train with: `labelled` the ones in the data set, `synthetic` defects drawn "
        "onto normal images (to start without any defect), `both` all of them. The test split "
        "holds labelled anomalies, and synthetic ones only if there are no others.",
    )
    sampling: Literal["kmeans", "random"] = setting(
        "kmeans",
        "How training anomalies are chosen: `kmeans` takes the same number of each kind, spread "
        "over k-means clusters of the kind (paper, section 3.5); `random` takes the same total "
        "regardless of kind.",
    )
    clusters: int = setting(
        10, "Number of k-means clusters per kind when anomalies are sampled.", at_least(1)
    )
    tile_clusters: int = setting(
        0,
        "Number of k-means clusters of the tiles of normal images; training draws equally from "
        "each. 0 draws tiles uniformly. Needs `tile`.",
        at_least(0),
    )
    unseen_kinds: tuple[str, ...] = setting(
        (),
        "Names of kinds of anomalies that are used for the test only, to measure the detection of "
        "kinds that training never saw.",
    )
    group_by: str | None = setting(
        None,
        "How images of the same part are recognized, which go to the same split: "
        "`near-duplicates`, or a regular expression that finds the part in the file name. "
        "If not set, the list of the data set decides, if it has one.",
    )

    def __post_init__(self) -> None:
        """Raise `UserError` if a value is out of range."""
        super().__post_init__()
        check_size(self.size)
        height, width = height_and_width(self.size)
        if height == width:
            object.__setattr__(self, "size", height)
        if self.tile is not None:
            check_size(self.tile)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels that images are resized to."""
        return height_and_width(self.size)

    @property
    def keeps_splits(self) -> bool:
        """Whether no picture that the data set has for the test alone is trained on."""
        return self.protocol == "mvtec"

    @property
    def trained_size(self) -> ImageSize:
        """Height and width in pixels of what training sees: a tile or the whole image."""
        return self.tile or self.size


@dataclass(frozen=True)
class LossConfig(Section):
    """The weights of the six losses of the generator (paper, table 2) and their parameters."""

    NAME: ClassVar = "loss"

    reconstruction: float = setting(
        1.5, "Weight of the L1 reconstruction loss.", at_least(0), ON_NORMAL
    )
    patch: float = setting(
        1.5,
        "Weight of the patch loss (paper, equation 3), on normal images.",
        at_least(0),
        ON_NORMAL,
    )
    latent: float = setting(
        0.5, "Weight of the latent loss, on normal images.", at_least(0), ON_NORMAL
    )
    adversarial: float = setting(
        0.5, "Weight of the adversarial loss, on normal images.", at_least(0), ON_NORMAL
    )
    anomaly_adversarial: float = setting(
        1.0, "Weight of the adversarial loss, on anomalies.", at_least(0), ON_ANOMALIES
    )
    abc: float = setting(
        0.5,
        "Weight of the ABC loss, which makes anomalies reconstruct badly.",
        at_least(0),
        ON_ANOMALIES,
    )
    abc_scale: float = setting(
        1.0,
        "Factor on the reconstruction error of an anomaly in the ABC loss. With a larger factor, "
        "anomalies that are already reconstructed badly count for less.",
        POSITIVE,
    )
    abc_patches: int = setting(
        0,
        "Number of the patches with the largest error that the ABC loss averages, of an anomaly "
        "or, if masks mark defects, of the defect. 0 averages over all pixels.",
        at_least(0),
    )
    patch_size: int = setting(
        8, "Side of a patch in pixels; must divide the image or tile size.", at_least(1)
    )
    patch_count: int = setting(
        4,
        "Number of the patches with the largest error that the patch loss averages (n in "
        "equation 3 of the paper).",
        at_least(1),
    )
    discriminators: int = setting(
        2,
        "Number of discriminators: 2, one for normal images and one for anomalies (paper, section "
        "3.3), or 1 for both.",
        Range("1 or 2", lambda value: value in (1, 2)),
    )
    regime: Literal["joint", "random"] = setting(
        "joint",
        "How the losses on normal images and on anomalies are combined: `joint` adds them in each "
        "step, `random` takes one of the two groups, chosen at random (paper, section 3.4).",
    )


NORMAL_LOSSES = LossConfig.names_in(ON_NORMAL)
ANOMALY_LOSSES = LossConfig.names_in(ON_ANOMALIES)
GENERATOR_LOSSES = (*NORMAL_LOSSES, *ANOMALY_LOSSES)
"""The names of the weights, which are those of the terms in `ganad_tf.models.losses`."""


@dataclass(frozen=True)
class TrainConfig(Section):
    """How the networks are trained."""

    NAME: ClassVar = "train"

    epochs: int = setting(
        10, "Number of epochs; the model is validated and saved after each.", at_least(1)
    )
    passes: int = setting(
        1,
        "Number of passes over the normal images per epoch; more than 1 for small data sets.",
        at_least(1),
    )
    batch_size: int = setting(
        16,
        "Normal images per step and device; each step takes as many anomalies in addition.",
        at_least(1),
    )
    learning_rate: float = setting(
        1e-3, "Peak learning rate of Adam; it decays to 0 along a cosine.", OPEN_FRACTION
    )
    averaging: float = setting(
        0.999, "Decay per step of the moving average of the generator's weights.", OPEN_FRACTION
    )
    width: int = setting(
        WIDTH_PRESETS["nano"],
        "Number of feature maps of the first layer. Presets: "
        + ", ".join(f"{name} ({width})" for name, width in WIDTH_PRESETS.items())
        + "; nano is the paper's.",
        at_least(1),
    )
    flip: bool | Literal["measured"] = setting(
        False,
        "Whether images are mirrored left to right at random. `measured` does so unless the good "
        "training pictures clearly differ from their mirror images, as those of a print do.",
    )
    flip_vertical: bool = setting(False, "Whether images are mirrored top to bottom at random.")
    shift: int = setting(
        0,
        "Largest random shift in pixels, in both directions; 0 for tiles.",
        at_least(0),
    )
    brightness: float = setting(
        0.0,
        "Largest random change of brightness: pixel values are multiplied by e to the power of a "
        "number between minus and plus this value.",
        at_least(0),
    )
    contrast: float = setting(
        0.0,
        "Largest random change of contrast: the differences of pixel values from their mean are "
        "multiplied by e to the power of a number between minus and plus this value.",
        at_least(0),
    )
    rotation: float = setting(
        0.0, "Largest random rotation of a tile in degrees, in both directions.", at_least(0)
    )
    zoom: float = setting(
        0.0,
        "Largest random zoom of a tile: its scale is e to the power of a number between minus and "
        "plus this value.",
        at_least(0),
    )
    normal_candidates: int = setting(
        1,
        "Number of candidate tiles of normal images from which each training tile is chosen: the "
        "one with the largest reconstruction error (online hard example mining; Shrivastava et "
        "al., CVPR 2016).",
        at_least(1),
    )
    transplant: float = setting(
        0.0,
        "Fraction of the tiles with a small defect that a mask marks in which the defect is "
        "pasted onto a normal image.",
        FRACTION,
    )
    checkpoint: Literal["best", "last"] = setting(
        "best",
        "Epoch that is evaluated and exported: the `best` on validation or the `last`. "
        "`last` suits data sets with too few validation parts to compare epochs.",
    )


@dataclass(frozen=True)
class ScoreConfig(Section):
    """How the anomaly score of an image is computed from its reconstruction error."""

    NAME: ClassVar = "score"

    patch_size: int = setting(
        WHOLE_IMAGE.patch_size,
        "Side in pixels of the patches that the score is computed from; must divide the image "
        "size. 0 takes the mean error of the whole image.",
        at_least(0),
    )
    patch_count: int = setting(
        WHOLE_IMAGE.patch_count,
        "Number of the patches with the largest error that the score averages.",
        at_least(1),
    )
    views: int = setting(
        WHOLE_IMAGE.views,
        "Number of mirrored views of an image whose errors the score averages: 1 the image "
        "itself, 2 also mirrored left to right (needs `train.flip`), 4 also top to bottom and both "
        "(needs `train.flip_vertical`, too). The time per image grows with it. "
        "Without `train.flip`, the default of tiles is 1.",
        Range("1, 2 or 4", lambda value: value in VIEW_COUNTS),
    )

    @property
    def rule(self) -> ScoreRule:
        """The score rule that the settings describe."""
        return ScoreRule(*dataclasses.astuple(self))
