"""The model that `watch` runs, as it records it for the operator's page."""

import json
from pathlib import Path
from typing import NamedTuple, Optional

from ganad_station.choice import Choice
from ganad_station.errors import StationError
from ganad_station.fields import Fields
from ganad_station.files import replacing
from ganad_station.verification import OUTCOMES

MODEL_FILE = "model.json"


class RunningModel(NamedTuple):
    """A record of the model that `watch` runs.

    Attributes:
        file: File name of the model.
        runtime: The runtime that it runs under, for people.
        outcome: One of `OUTCOMES`; None if the model has not been verified.
        doubt: Why it may decide otherwise than the float model, in words; None if it is verified.
    """

    file: str
    runtime: str
    outcome: Optional[str]
    doubt: Optional[str]

    @classmethod
    def of(cls, choice: Choice) -> "RunningModel":
        """Describe the model that was chosen."""
        outcome = None if choice.outcome is None else choice.outcome.value
        return cls(choice.path.name, choice.model.runtime, outcome, choice.doubt)

    @classmethod
    def read(cls, folder: Path) -> "Optional[RunningModel]":
        """Read the record in a folder of results; None if there is none.

        Raises:
            StationError: If it is damaged.
        """
        path = folder / MODEL_FILE
        if not path.exists():
            return None
        fields = Fields.read(path, "start watch again")
        return cls(
            fields.text("file"),
            fields.text("runtime"),
            fields.choice("outcome", OUTCOMES) if fields.is_given("outcome") else None,
            fields.text("doubt") if fields.is_given("doubt") else None,
        )

    def write(self, folder: Path) -> None:
        """Write the record into a folder of results.

        Raises:
            StationError: If the disk is full.
        """
        path = folder / MODEL_FILE
        try:
            with replacing(path) as temporary:
                temporary.write_text(json.dumps(self._asdict()) + "\n", encoding="utf-8")
        except OSError as error:
            raise StationError(
                f"{path} cannot be written ({error.strerror or error}): "
                "free space on its disk, then start again"
            ) from None
