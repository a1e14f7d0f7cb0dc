"""Data sources, splits and batches."""
