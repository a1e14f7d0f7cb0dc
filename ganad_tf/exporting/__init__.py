"""From a trained run to verified bundles for stations."""
