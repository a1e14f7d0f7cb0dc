"""Files, processes and the settings that libraries read when they are imported."""
