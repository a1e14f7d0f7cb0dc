"""The files that a run folder has from the start."""

from dataclasses import asdict
from pathlib import Path

from ganad_station.appearance import Appearance, read_appearance
from ganad_tf.config import RunConfig, to_toml
from ganad_tf.data.appearance import appearance_of
from ganad_tf.data.splits import Splits
from ganad_tf.errors import UserError, station_errors_as_user_errors
from ganad_tf.run.identity import Identity, splits_csv
from ganad_tf.system.files import new_folder, write_json, write_text

RUN_FILE = "run.json"
APPEARANCE_FILE = "appearance.json"


def write_new_folder(folder: Path, config: RunConfig, splits: Splits, identity: Identity) -> None:
    """Write a new run folder, all of it or nothing.

    Args:
        folder: The folder to make; must be missing or empty.
        config: The configuration of the run.
        splits: The images, loaded with that configuration.
        identity: The content of `run.json`.

    Raises:
        UserError: If the folder is not empty or cannot be made.
    """
    refuse_used_folder(folder)
    appearance = appearance_of(splits)
    try:
        with new_folder(folder) as temporary:
            write_text(temporary / "config.toml", to_toml(config))
            write_text(temporary / "splits.csv", splits_csv(splits))
            write_json(temporary / RUN_FILE, asdict(identity))
            if appearance is not None:
                write_json(temporary / APPEARANCE_FILE, appearance.to_dict())
    except OSError as error:
        raise UserError(f"{folder} cannot be made: {error.strerror}") from None


def refuse_used_folder(folder: Path) -> None:
    """Raise `UserError` unless a run folder can be made at a path."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            f"{folder} is not empty: choose another --name, or continue it with --resume {folder}"
        )


def read_recorded_appearance(folder: Path) -> Appearance | None:
    """Return what the good training pictures of a run look like; None where it is not recorded.

    Raises:
        UserError: If the file is damaged.
    """
    with station_errors_as_user_errors():
        return read_appearance(folder / APPEARANCE_FILE, "restore it, or train again")
