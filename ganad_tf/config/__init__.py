"""The configuration of a run: its settings, their defaults, and TOML."""
