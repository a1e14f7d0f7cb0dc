"""`station.pyz selftest`: is the bundle whole, and does it score as it did when verified?"""

import argparse

from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.inspector import Inspector

HELP = "Check the files against the manifest, and a stored picture against its expected score."
TOLERANCE = 0.25 / 255
"""Integer kernels of different processors round some levels up or down, not a quarter of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare that there are no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Run the test; what fails is one line and exit code 2."""
    bundle = Bundle.open(arguments.bundle)
    print("{} files match the manifest".format(len(bundle.manifest["files"])))
    if not bundle.is_verified:
        raise StationError(f"{arguments.bundle} is not verified: run ganad-tf verify on its models")
    inspector = Inspector(bundle)
    stored = bundle.manifest["selftest"]
    score = inspector.inspect(bundle.folder / stored["image"]).score
    expected = stored["scores"].get(inspector.model_name, stored["scores"][bundle.models[0].file])
    if not abs(score - expected) <= TOLERANCE:
        raise StationError(
            "{} scores {} with {:.6f} instead of {:.6f}: this runtime computes something else, "
            "update it".format(inspector.model_name, stored["image"], score, expected)
        )
    print(
        "{} under {}: score {:.6f}, expected {:.6f}, {}".format(
            inspector.model_name,
            inspector.model.runtime,
            score,
            expected,
            "equal" if score == expected else f"within {TOLERANCE:.4f}",
        )
    )
    return 0
