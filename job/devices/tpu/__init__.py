"""The cores of a Cloud TPU: one process for each, and one that keeps the output for all."""
