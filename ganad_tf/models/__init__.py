"""The generator, the discriminators, and the detector that trains them."""
