"""The subcommands of the station program, a module each."""
