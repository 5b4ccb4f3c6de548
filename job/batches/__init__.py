"""Which sentences a step takes, and the rows that they lie in.

Another way to lay windows out is a method of `Layout`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
