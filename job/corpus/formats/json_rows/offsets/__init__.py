"""Offsets: what a row has as it was written, the unit that its split counts in, and the conversion.

A further unit is a row of `UNITS` in `marked`, or a list of places in `bounds`.
"""
