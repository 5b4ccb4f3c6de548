"""Rows in Arrow's binary forms: Parquet, and the streams that `datasets` saves to disk.

A further binary form is a module with a `Format` whose reader hands its batches to `rows.read`.
"""
