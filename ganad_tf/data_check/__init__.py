"""The check of a folder of pictures before training on it."""
