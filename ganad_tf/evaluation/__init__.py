"""Scores of images under the float model, and how well they tell anomalies from normal images."""
