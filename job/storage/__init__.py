"""Reads and writes objects at any URL: whole or not at all, verified; one writer at a time."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
