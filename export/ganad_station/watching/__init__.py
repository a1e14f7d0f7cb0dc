"""Watching a folder: every new picture is inspected and recorded once."""
