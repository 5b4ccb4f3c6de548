"""Rows in Arrow's binary forms: Parquet, and the streams that `datasets` saves to disk.

A further form is a module with a `Format` that hands its batches to `rows.read_batches`.
"""
