"""The configuration of a run: all sections of settings, with the defaults of its data set."""

from dataclasses import dataclass

from ganad_station.score import ScoreRule
from ganad_station.sizes import ImageSize, height_and_width, in_words
from ganad_tf.config.defaults import with_defaults
from ganad_tf.config.schema import DataConfig, LossConfig, ScoreConfig, TrainConfig
from ganad_tf.config.section import Range, Section, Setting, setting
from ganad_tf.errors import UserError

SEEDS = 2**32
SECTIONS = {section.NAME: section for section in (DataConfig, LossConfig, TrainConfig, ScoreConfig)}


@dataclass(frozen=True)
class RunConfig(Section):
    """All settings that determine the result of a run.

    Settings that a section was not given take the defaults of the data set and, if `data.tile` is
    set, those of tiles: `RunConfig(data=DataConfig(dataset="cifar10"))` has 20 epochs.
    `derive` changes settings of a configuration and applies no defaults.
    """

    seed: int = setting(
        0,
        "Seed of the split, the sampling, the initial weights and the batches.",
        Range(f"at least 0 and less than {SEEDS}", lambda value: 0 <= value < SEEDS),
    )
    data: DataConfig = setting(DataConfig(), "Images, split and sampling.")
    loss: LossConfig = setting(LossConfig(), "Losses of the generator.")
    train: TrainConfig = setting(TrainConfig(), "Training.")
    score: ScoreConfig = setting(ScoreConfig(), "Score rule.")

    def __post_init__(self) -> None:
        """Apply defaults; raise `UserError` if settings contradict each other."""
        super().__post_init__()
        sections = with_defaults(self.data, self.loss, self.train, self.score)
        for section in sections:
            object.__setattr__(self, section.NAME, section)
        patches = max(self.loss.patch_count, self.loss.abc_patches)
        _check_rule("loss", ScoreRule(self.loss.patch_size, patches), self.data.trained_size)
        _check_rule("score", self.score.rule, self.data.size)
        self._check_tiles()
        self._check_views()
        if self.data.keeps_splits and self.data.anomaly_source != "synthetic":
            raise UserError(
                "the protocol of MVTec AD trains on good pictures alone: set data.anomaly_source "
                "to synthetic (--anomalies synthetic), or leave out data.protocol"
            )
        if self.data.anomalies == 0 and (self.loss.abc or self.loss.anomaly_adversarial):
            raise UserError(
                "no anomalies to train on: set loss.abc and loss.anomaly_adversarial to 0, too"
            )

    def _check_tiles(self) -> None:
        data, train = self.data, self.train
        if data.tile is None:
            if train.rotation or train.zoom or train.transplant:
                raise UserError(
                    "train.rotation, train.zoom and train.transplant are for tiles: "
                    "set data.tile, or leave them 0"
                )
            if train.normal_candidates > 1:
                raise UserError(
                    "train.normal_candidates is for tiles: set data.tile, or leave it 1"
                )
            if data.tile_clusters:
                raise UserError("data.tile_clusters is for tiles: set data.tile, or leave it 0")
            return
        if data.tile > min(data.shape):
            raise UserError(
                f"tile {data.tile} is larger than the image size {in_words(data.size)}: "
                "choose a smaller data.tile"
            )
        if data.anomalies == 0:
            raise UserError("tiles need anomalies: set data.anomalies, or leave out data.tile")
        if train.shift:
            raise UserError("tiles are cut at random places anyway: leave train.shift 0")

    def _check_views(self) -> None:
        mirrorings = {2: ("flip",), 4: ("flip", "flip_vertical")}.get(self.score.views, ())
        for name in mirrorings:
            if not getattr(self.train, name):
                raise UserError(
                    f"score.views is {self.score.views}, but training does not mirror images so: "
                    f"set train.{name}, or fewer views"
                )

    def portable(self) -> "RunConfig":
        """Return the configuration without the data folder, which differs between machines."""
        return self.derive(data={"data_dir": None})


def _check_rule(section: str, rule: ScoreRule, size: ImageSize) -> None:
    problem = rule.problem(*height_and_width(size))
    if problem:
        raise UserError(f"{section}: {problem}")


PLAIN_CONFIG = RunConfig(
    data=DataConfig().derive(),
    loss=LossConfig().derive(),
    train=TrainConfig().derive(),
    score=ScoreConfig().derive(),
)
"""The defaults of the schema, without those of any data set."""

SETTINGS: dict[str, Setting] = {
    each.path: each
    for section in (RunConfig, *SECTIONS.values())
    for each in section.SETTINGS.values()
    if each.name not in SECTIONS
}
"""All settings of a run by path, such as `data.size`."""
