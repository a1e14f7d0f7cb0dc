"""The configuration of a run: frozen dataclasses that check their values."""

import dataclasses
from dataclasses import dataclass, field
from typing import Literal

from ganad_station.score import VIEW_COUNTS, ScoreRule
from ganad_tf.errors import UserError

DOWNSAMPLING = 16
NORMAL_LOSSES = ("reconstruction", "patch", "latent", "adversarial")
ANOMALY_LOSSES = ("anomaly_adversarial", "abc")
GENERATOR_LOSSES = (*NORMAL_LOSSES, *ANOMALY_LOSSES)
SEEDS = 2**32


def check_size(size: int) -> None:
    """Raise `UserError` unless the four stride-2 layers of the generator divide `size`."""
    if size <= 0 or size % DOWNSAMPLING:
        nearest = max(DOWNSAMPLING, round(size / DOWNSAMPLING) * DOWNSAMPLING)
        raise UserError(
            f"image size {size} is not a multiple of {DOWNSAMPLING} "
            f"(the generator halves it four times): try {nearest}"
        )


def _check_at_least(lowest: float, **values: float) -> None:
    for name, value in values.items():
        if not value >= lowest:
            raise UserError(f"{name} must be at least {lowest}, got {value}")


def _check_fraction(**values: float) -> None:
    for name, value in values.items():
        if not 0 < value < 1:
            raise UserError(f"{name} must be between 0 and 1, got {value}")


def _check_rule(section: str, rule: ScoreRule, image_size: int) -> None:
    problem = rule.problem(image_size, image_size)
    if problem:
        raise UserError(f"{section}: {problem}")


@dataclass(frozen=True)
class DataConfig:
    """Which images, and how they are divided.

    Attributes:
        dataset: Name of the source.
        data_dir: Folder with the files, None to look where they usually are.
        normal_class: Index of the class that is normal; the others are anomalies.
        size: Height and width that images are scaled to, in pixels; a multiple of 16.
        tile: Height and width in pixels of the tiles of an image that training sees, those of
            anomalies at a defect that a mask marks or, without masks, where they are reconstructed
            worst (where some have masks, those without are left out); a multiple of 16; None to
            train on whole images. Inference takes the whole image in any case.
        channels: 1 (grey), 3 (RGB), or None for what the images have.
        illumination: What is evened out of each image, here and at the station: `as-taken`
            nothing, `brightness` the mean, `contrast` mean and standard deviation of its levels.
        validation_fraction: Share of the images outside test that goes to validation.
        test_fraction: Share that goes to test where the source prescribes no test images.
        anomaly_test_fraction: The same for each kind of anomaly; None for `test_fraction`.
        anomalies: Labelled anomalies to train with, 0 for none, `balanced` for about as many as
            there are normal images (the paper's choice).
        anomaly_source: `labelled` trains on the anomalies there are, `synthetic` on defects drawn
            onto normal images instead, `both` on both. Test has the anomalies there are; where
            there are none, synthetic ones, too.
        sampling: `kmeans` takes the same number of each kind, spread by k-means inside it
            (paper, section 3.5); `random` takes the same total whatever the kinds.
        clusters: K-means clusters inside a kind when anomalies are sampled.
        tile_clusters: K-means clusters of the tiles of normal images, each of which gives as many
            of those that are trained on; 0 to take them from anywhere.
        unseen_kinds: Names of kinds of anomalies that are left out of train and validation and
            stay in test, to measure how well kinds are found that training never showed.
        group_by: How pictures of the same part are told, which go to the same split:
            `near-duplicates`, a regular expression for their names, or None for what a list says.
    """

    dataset: str = "digits"
    data_dir: str | None = None
    normal_class: int = 0
    size: int = 32
    tile: int | None = None
    channels: int | None = None
    illumination: Literal["as-taken", "brightness", "contrast"] = "as-taken"
    validation_fraction: float = 0.1
    test_fraction: float = 0.3
    anomaly_test_fraction: float | None = None
    anomalies: int | Literal["balanced"] = "balanced"
    anomaly_source: Literal["labelled", "synthetic", "both"] = "labelled"
    sampling: Literal["kmeans", "random"] = "kmeans"
    clusters: int = 10
    tile_clusters: int = 0
    unseen_kinds: tuple[str, ...] = ()
    group_by: str | None = None

    def __post_init__(self) -> None:
        """Raise `UserError` where a value is out of range."""
        check_size(self.size)
        if self.tile is not None:
            check_size(self.tile)
            if self.tile > self.size:
                raise UserError(f"tile {self.tile} is larger than the image size {self.size}")
        _check_at_least(1, clusters=self.clusters)
        _check_at_least(0, tile_clusters=self.tile_clusters)
        if self.tile_clusters and self.tile is None:
            raise UserError("clusters of tiles need data.tile: set it, or leave tile_clusters 0")
        if self.anomalies != "balanced":
            _check_at_least(0, anomalies=self.anomalies)
        _check_fraction(
            validation_fraction=self.validation_fraction, test_fraction=self.test_fraction
        )
        if self.anomaly_test_fraction is not None:
            _check_fraction(anomaly_test_fraction=self.anomaly_test_fraction)
        if self.channels not in (None, 1, 3):
            raise UserError(f"channels must be 1 (grey) or 3 (RGB), got {self.channels}")

    @property
    def trained_size(self) -> int:
        """Height and width in pixels of what training sees: a tile, or the whole image."""
        return self.tile or self.size


@dataclass(frozen=True)
class LossConfig:
    """Weights of the generator's six losses (paper, table 2) and their parameters.

    Attributes:
        reconstruction: Weight of the L1 reconstruction error.
        patch: Weight of the patch loss.
        latent: Weight of the latent loss.
        adversarial: Weight of the adversarial loss on normal images.
        anomaly_adversarial: Weight of the anomaly adversarial loss.
        abc: Weight of the ABC loss.
        abc_scale: Factor on the error of an anomaly in the ABC loss: the larger, the less it
            cares for anomalies that are badly reconstructed already.
        abc_patches: How many of the largest patch errors of an anomaly, or of its defect where
            masks mark it, the ABC loss takes; 0 for the mean error over all of it.
        patch_size: Side of a patch in pixels; divides the image size.
        patch_count: The n of the patch loss, how many of the largest patch errors count.
        discriminators: 2, one for normal images and one for anomalies (paper, section 3.3), or
            1 for both.
        regime: `joint` adds up the normal and the anomaly group of losses in every step,
            `random` applies one of them, chosen at random (paper, section 3.4).
    """

    reconstruction: float = 1.5
    patch: float = 1.5
    latent: float = 0.5
    adversarial: float = 0.5
    anomaly_adversarial: float = 1.0
    abc: float = 0.5
    abc_scale: float = 1.0
    abc_patches: int = 0
    patch_size: int = 8
    patch_count: int = 4
    discriminators: int = 2
    regime: Literal["joint", "random"] = "joint"

    def __post_init__(self) -> None:
        """Raise `UserError` where a value is out of range."""
        _check_at_least(0, **{name: getattr(self, name) for name in GENERATOR_LOSSES})
        _check_at_least(1, patch_size=self.patch_size, patch_count=self.patch_count)
        _check_at_least(0, abc_patches=self.abc_patches)
        if not self.abc_scale > 0:
            raise UserError(f"abc_scale must be more than 0, got {self.abc_scale}")
        if self.discriminators not in (1, 2):
            raise UserError(f"discriminators must be 1 or 2, got {self.discriminators}")


@dataclass(frozen=True)
class TrainConfig:
    """How the networks are trained.

    Attributes:
        epochs: Epochs; after each one the model is validated and saved.
        passes: Passes over the normal images an epoch, more than one where they are few.
        batch_size: Normal images a step, on each device; as many anomalies go with them.
        learning_rate: Peak of Adam's learning rate; it falls to 0 along a cosine.
        averaging: Decay per step of the moving average of the generator.
        width: Maps of the first layer; 8 is the paper's.
        flip: Whether images are mirrored left to right at random.
        flip_vertical: Whether images are mirrored top to bottom at random.
        shift: Largest random shift in pixels, in both directions.
        brightness: Largest random change of brightness: the levels of an image are multiplied by
            e to the power of up to so much, up or down.
        contrast: The same of the distance of its levels from their mean.
        rotation: Largest random rotation of a tile in degrees, to both sides.
        zoom: Largest random change of scale of a tile, a power of e like the brightness.
        normal_candidates: Tiles of normal images to choose each one from that is trained on: the
            one that is reconstructed worst, so that what few good parts show counts for more (hard
            example mining: Shrivastava et al., "Training region-based object detectors with
            online hard example mining", CVPR 2016).
        transplant: Share of the tiles with a small defect, which a mask marks, in which it is laid
            onto a good part, see `ganad_tf.data.batches.transplants`.
        checkpoint: Which epoch is evaluated and exported: the `best` on validation, or the `last`,
            for where validation has too few parts to tell epochs apart.
    """

    epochs: int = 10
    passes: int = 1
    batch_size: int = 16
    learning_rate: float = 1e-3
    averaging: float = 0.999
    width: int = 8
    flip: bool = False
    flip_vertical: bool = False
    shift: int = 0
    brightness: float = 0.0
    contrast: float = 0.0
    rotation: float = 0.0
    zoom: float = 0.0
    normal_candidates: int = 1
    transplant: float = 0.0
    checkpoint: Literal["best", "last"] = "best"

    def __post_init__(self) -> None:
        """Raise `UserError` where a value is out of range."""
        _check_at_least(1, epochs=self.epochs, passes=self.passes)
        _check_at_least(1, batch_size=self.batch_size, width=self.width)
        _check_at_least(1, normal_candidates=self.normal_candidates)
        _check_at_least(0, shift=self.shift, brightness=self.brightness, contrast=self.contrast)
        _check_at_least(0, rotation=self.rotation, zoom=self.zoom, transplant=self.transplant)
        if self.transplant > 1:
            raise UserError(f"transplant is a share, at most 1, got {self.transplant}")
        _check_fraction(learning_rate=self.learning_rate, averaging=self.averaging)


@dataclass(frozen=True)
class ScoreConfig:
    """Which errors of an image its score is the mean of, see `ganad_station.score.ScoreRule`.

    Attributes:
        patch_size: Side of a patch in pixels; divides the image size; 0 for the whole image.
        patch_count: How many of the largest patch errors count.
        views: How many views of an image are reconstructed, mirrored as in training: 1 as it is,
            2 also left to right, 4 also top to bottom and both. Each takes the time of one more.
    """

    patch_size: int = 0
    patch_count: int = 1
    views: int = 1

    def __post_init__(self) -> None:
        """Raise `UserError` where a value is out of range."""
        _check_at_least(0, score_patch_size=self.patch_size)
        _check_at_least(1, score_patch_count=self.patch_count)
        if self.views not in VIEW_COUNTS:
            raise UserError(f"score.views must be 1, 2 or 4, got {self.views}")

    @property
    def rule(self) -> ScoreRule:
        """The same, for scoring."""
        return ScoreRule(self.patch_size, self.patch_count, self.views)


@dataclass(frozen=True)
class RunConfig:
    """All that decides the outcome of a run.

    Attributes:
        seed: Seed of the split, the sampling, the initial weights and the batches.
        data: Which images.
        loss: What the generator minimizes.
        train: How it is trained.
        score: What a score is.
    """

    seed: int = 0
    data: DataConfig = field(default_factory=DataConfig)
    loss: LossConfig = field(default_factory=LossConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    score: ScoreConfig = field(default_factory=ScoreConfig)

    def __post_init__(self) -> None:
        """Raise `UserError` where sections contradict each other."""
        if not 0 <= self.seed < SEEDS:
            raise UserError(f"seed must be at least 0 and less than {SEEDS}, got {self.seed}")
        patches = max(self.loss.patch_count, self.loss.abc_patches)
        _check_rule("loss", ScoreRule(self.loss.patch_size, patches), self.data.trained_size)
        _check_rule("score", self.score.rule, self.data.size)
        self._check_tiles()
        self._check_views()
        if self.data.anomalies == 0 and (self.loss.abc or self.loss.anomaly_adversarial):
            raise UserError(
                "no anomalies to train on: set loss.abc and loss.anomaly_adversarial to 0, too"
            )

    def _check_tiles(self) -> None:
        train = self.train
        if self.data.tile is None and (train.rotation or train.zoom or train.transplant):
            raise UserError(
                "rotation, zoom and transplant are those of tiles: set data.tile, or leave them 0"
            )
        if self.data.tile is None and train.normal_candidates > 1:
            raise UserError("candidates are tiles: set data.tile, or leave normal_candidates 1")
        if self.data.tile is not None and self.data.anomalies == 0:
            raise UserError("tiles need anomalies: set data.anomalies, or leave out data.tile")
        if self.data.tile is not None and self.train.shift:
            raise UserError("tiles are cut anywhere: leave train.shift 0")

    def _check_views(self) -> None:
        mirrorings = {2: ("flip",), 4: ("flip", "flip_vertical")}.get(self.score.views, ())
        for name in mirrorings:
            if not getattr(self.train, name):
                raise UserError(
                    f"score.views is {self.score.views}, but training saw no such views: "
                    f"set train.{name}, or fewer views"
                )

    def portable(self) -> "RunConfig":
        """Return it without the place of the data, which differs between machines."""
        return dataclasses.replace(self, data=dataclasses.replace(self.data, data_dir=None))
