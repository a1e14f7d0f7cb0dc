"""The command line: commands parse, call and print."""

from ganad_tf.cli.main import cli

__all__ = ["cli"]
