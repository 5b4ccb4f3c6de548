"""Reads and writes objects at any URL: whole or not at all, verified; one writer at a time.

A store is added as a file with the functions of `objects.Store`, and a row in `objects.STORES`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
