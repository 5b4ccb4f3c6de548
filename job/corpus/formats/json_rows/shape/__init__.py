"""The shape of a corpus' JSON: where sentences lie, and which keys hold their parts.

A further name that tools use is a row in `names`.
"""
