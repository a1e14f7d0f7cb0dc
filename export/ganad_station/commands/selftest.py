"""`station.pyz selftest`: check that the bundle is whole and scores as it did when verified."""

import argparse

from ganad_station.bundle import Bundle
from ganad_station.errors import StationError
from ganad_station.exit_codes import SUCCESS
from ganad_station.inspector import Inspector

HELP = "Check the files against the manifest and the score of a stored picture."
TOLERANCE = 0.25 / 255
"""Kernels of different processors round some levels differently, far fewer than a quarter."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(arguments: argparse.Namespace) -> int:
    """Run the test; a failure raises `StationError`."""
    bundle = Bundle.open(arguments.bundle)
    manifest = bundle.manifest
    print(f"{len(manifest.files)} files match the manifest")
    if any(model.file not in manifest.verification for model in manifest.models):
        raise StationError(f"{arguments.bundle} is not verified: run ganad-tf verify on its models")
    inspector = Inspector(bundle, accept_failed=arguments.accept_failed)
    score = inspector.inspect(bundle.selftest_image).score
    # A model that was compiled on the station stands for the preferred one.
    expected_scores = manifest.selftest.scores
    expected = expected_scores.get(inspector.model_name, expected_scores[manifest.models[0].file])
    name = inspector.model_name
    if not abs(score - expected) <= TOLERANCE:
        raise StationError(
            f"{name} scores {manifest.selftest.image} with {score:.6f} instead of {expected:.6f}: "
            "this runtime computes something else, update it"
        )
    agreement = "equal" if score == expected else f"within {TOLERANCE:.4f}"
    print(
        f"{name} under {inspector.model.runtime}: score {score:.6f}, expected {expected:.6f}, "
        f"{agreement}"
    )
    return SUCCESS
