"""The exit codes of `ganad-tf` and of `station.pyz`."""

SUCCESS = 0
NOT_MAPPED = 1
"""An operator of a checked model does not run on the accelerator."""
USER_ERROR = 2
"""Something in the input is wrong, or some pictures could not be read."""
NOT_VERIFIED = 3
"""An exported file does not decide like the float model."""
UNDECIDED = 4
"""The test pictures are too few to tell whether an exported file decides like the float model."""
INTERRUPTED = 130
"""Ctrl-C; what shells use for SIGINT."""
