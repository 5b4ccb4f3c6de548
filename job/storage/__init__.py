"""Reads and writes objects at any URL: whole or not at all, verified; one writer at a time."""
