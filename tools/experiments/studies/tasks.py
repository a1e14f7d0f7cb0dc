"""The jobs of a study: each variation, normal class and seed."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganad_tf.config import RunConfig, make_config, to_toml
from ganad_tf.system.jobs import Job
from tools.experiments.experiment import read_result
from tools.experiments.studies.study import Result, Study, Variation

DIGEST_LENGTH = 8


@dataclass(frozen=True)
class Task:
    """A job of a study.

    Attributes:
        variation: The row that it belongs to.
        config: What to train on, and how.
        folder: Its run folder.
        path: The file of its result.
    """

    variation: Variation
    config: RunConfig
    folder: Path
    path: Path

    @property
    def label(self) -> str:
        """The label of its row."""
        return self.variation.label

    @property
    def normal_class(self) -> int:
        """The class that is normal."""
        return self.config.data.normal_class

    def result(self) -> Result | None:
        """Return the result if it is there."""
        return read_result(self.path, self.config)

    def job(self) -> Job:
        """Return the job that makes the result."""
        return Job(self.path.stem, self.variation.work, (self.config, self.folder, self.path))


def plan(
    study: Study,
    settings: dict[str, Any],
    classes: Sequence[int],
    seeds: int,
    runs: Path,
    folder: Path,
) -> list[Task]:
    """Return all tasks of a study, seed by seed, so that a whole table is there soon.

    Args:
        study: The study.
        settings: What its rows have in common, for `make_config`.
        classes: Which classes are normal, each in turn.
        seeds: How many seeds, from 0.
        runs: Where run folders go.
        folder: Where results go.
    """
    dataset = settings["data"]["dataset"]
    tasks = []
    for seed in range(seeds):
        by_class = [study.variations(dataset, normal_class) for normal_class in classes]
        for row in zip(*by_class, strict=True):
            for normal_class, variation in zip(classes, row, strict=True):
                cell = {"data": {"normal_class": normal_class}, "seed": seed}
                config = make_config(settings, variation.layer, cell)
                stem = f"{_slug(variation.label)}-class-{normal_class}-seed-{seed}"
                path = folder / f"{stem}.json"
                tasks.append(Task(variation, config, runs / run_name(config), path))
    return tasks


def run_name(config: RunConfig) -> str:
    """Return the name of a run folder: the same for what several studies have in common."""
    digest = hashlib.sha256(to_toml(config.portable()).encode()).hexdigest()[:DIGEST_LENGTH]
    return f"{config.data.dataset}-{config.data.normal_class}-{config.seed}-{digest}"


def _slug(label: str) -> str:
    return re.sub("[^a-z0-9]+", "-", label.lower()).strip("-")
