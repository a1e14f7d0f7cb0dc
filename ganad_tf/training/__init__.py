"""Training detectors, and searching for the weights of their losses."""
