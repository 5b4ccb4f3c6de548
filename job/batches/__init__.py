"""The sentences of a step, and the rows that hold them.

Another way to lay windows out is a method of `Layout`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
