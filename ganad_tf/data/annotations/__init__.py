"""Formats of annotation tools: each module reads one, from the files of a folder to labels."""
