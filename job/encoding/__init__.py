"""Sentences with spans to wordpieces with labels, and labels back to spans.

What changes an encoding is part of the key in `cache`, so that none is taken for another.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
