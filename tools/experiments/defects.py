"""The table of real defects in a folder: labelled, few and synthetic anomalies to train on.

python -m tools.experiments.defects --config docs/magnetic-tile.toml --data-dir PARTS --out RESULTS

Every row and seed is a job of its own: training, figures on the test split, int8 export, and its
verification on the whole test split. Stop it at any time and start it again: what is finished
is not done twice. The seed decides the split, too. Writes `<out>/table.md`, `results.json`, and of
each job `<row>-seed-<seed>.json` and `.toml`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ganad_tf.cli.options import job_options
from ganad_tf.config import RunConfig, make_config, read_config
from ganad_tf.data.listing import NORMAL, list_pictures
from ganad_tf.system.files import remove_leftovers, write_json, write_text
from ganad_tf.system.jobs import Job
from tools.experiments.experiment import read_result, train_evaluate_verify
from tools.experiments.table import NOTHING, Figure, Result, describe, markdown_lines
from tools.experiments.table_command import (
    announce,
    exit_on,
    folder_option,
    refusing,
    run_missing,
    splits_options,
)

FEW = 5
COLUMNS: dict[str, tuple[str, Callable[[Result], float]]] = {
    "float AUROC": (".4f", lambda result: result["float_auroc"]["value"]),
    "int8 AUROC": (".4f", lambda result: result["int8_auroc"]),
    "difference": ("+.4f", lambda result: result["difference"]["value"]),
    "float, of parts": (".4f", lambda result: _of_parts(result)["value"]),
    "pixel AUROC": (".3f", lambda result: _located(result)["pixel_auroc"]["value"]),
    "AUPRO": (".3f", lambda result: _located(result)["aupro"]["value"]),
    "found at 0 % false rejects": (".3f", lambda result: _recall(result, "0")),
    "at 1 %": (".3f", lambda result: _recall(result, "0.01")),
}


def _of_parts(result: Result) -> dict[str, float]:
    """Return the AUROC of parts, which is that of pictures where each part has one."""
    return result["evaluation"]["auroc_of_parts"] or result["float_auroc"]


def _located(result: Result) -> dict[str, Any]:
    return result["evaluation"]["localization"]


def _recall(result: Result, rate: str) -> float:
    return result["evaluation"]["recall_at"][rate]["value"]


@dataclass(frozen=True)
class DefectTable:
    """The table of a folder.

    Attributes:
        layers: Settings of all its jobs, for `ganad_tf.config.make_config`.
        kinds: Kinds of defects in the folder.
        seeds: Seeds of each row.
        folder: Where its files go.
    """

    layers: tuple[dict[str, Any], ...]
    kinds: int
    seeds: int
    folder: Path

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """What each row changes, by its label."""
        return {
            "all labelled": {},
            f"{FEW} labelled of each kind": {"data": {"anomalies": FEW * self.kinds}},
            "synthetic alone": {"data": {"anomaly_source": "synthetic"}},
        }

    def config(self, label: str, seed: int) -> RunConfig:
        """Return the configuration of a job."""
        return make_config(*self.layers, self.rows[label], {"seed": seed})

    def path(self, label: str, seed: int) -> Path:
        """Return the file that the result of a job goes to."""
        return self.folder / f"{label.replace(' ', '-')}-seed-{seed}.json"

    def result(self, label: str, seed: int) -> Result | None:
        """Return the result of a job, if it is there with these settings."""
        return read_result(self.path(label, seed), self.config(label, seed))

    def jobs(self, runs: Path) -> list[Job]:
        """Return the jobs that have no result yet, row by row."""
        missing = [
            (self.config(label, seed), self.path(label, seed))
            for label in self.rows
            for seed in range(self.seeds)
            if self.result(label, seed) is None
        ]
        return [
            Job(path.stem, train_evaluate_verify, (config, runs / path.stem, path))
            for config, path in missing
        ]

    def results(self, label: str) -> list[Result]:
        """Return the results of a row that there are with these settings, a seed each."""
        found = [self.result(label, seed) for seed in range(self.seeds)]
        return [result for result in found if result is not None]

    def write(self) -> str:
        """Write the tables, with gaps where results are missing, and return them."""
        self.folder.mkdir(parents=True, exist_ok=True)
        results = {label: self.results(label) for label in self.rows}
        text = f"{_figures(results)}\nAUROC by kind, float:\n\n{_by_kind(results)}"
        write_text(self.folder / "table.md", text)
        rows = {
            label: {name: _values(found, value) for name, (_, value) in COLUMNS.items()}
            for label, found in results.items()
        }
        write_json(self.folder / "results.json", {"seeds": self.seeds, "rows": rows})
        return text


def _values(results: Sequence[Result], value: Callable[[Result], float]) -> list[float]:
    return [value(result) for result in results]


def _figures(results: dict[str, list[Result]]) -> str:
    lines = [["anomalies to train on", "seeds", *COLUMNS]]
    for label, found in results.items():
        seeds = ", ".join(str(result["config"]["seed"]) for result in found) or NOTHING
        cells = [_cell(found, value, form) for form, value in COLUMNS.values()]
        lines.append([label, seeds, *cells])
    return "\n".join(markdown_lines(lines)) + "\n"


def _by_kind(results: dict[str, list[Result]]) -> str:
    every = [result for found in results.values() for result in found]
    kinds = sorted({kind for result in every for kind in result["evaluation"]["auroc_by_kind"]})
    lines = [["anomalies to train on", *kinds]]
    for label, found in results.items():
        lines.append([label, *(_cell(found, _of_kind(kind), ".3f") for kind in kinds)])
    return "\n".join(markdown_lines(lines)) + "\n"


def _of_kind(kind: str) -> Callable[[Result], float]:
    return lambda result: result["evaluation"]["auroc_by_kind"][kind]["value"]


def _cell(results: Sequence[Result], value: Callable[[Result], float], form: str) -> str:
    return Figure.over(_values(results, value)).text(form) if results else NOTHING


@click.command()
@splits_options("docs/results/defects")
@job_options
@folder_option("--runs", "runs/defects", "run folders")
def main(
    config_file: Path, data_dir: str, seeds: int, out: Path, runs: Path, **spread: Any
) -> None:
    """Fill the table; one that was begun goes on where it stopped."""
    with refusing():
        place = {"data": {"dataset": "folder", "data_dir": data_dir}}
        kinds = {picture.kind for picture in list_pictures(Path(data_dir))} - {NORMAL}
        table = DefectTable((read_config(config_file), place), len(kinds), seeds, out)
        remove_leftovers(out)
        jobs = table.jobs(runs)
        announce(seeds * len(table.rows), len(jobs))
        failures = run_missing(jobs, describe, table.write, **spread)
        click.echo(table.write())
    exit_on(failures)


if __name__ == "__main__":
    main()
