"""`python -m ganad_tf`."""

from ganad_tf.cli import cli

cli(prog_name="ganad-tf")
