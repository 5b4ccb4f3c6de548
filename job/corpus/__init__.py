"""A corpus by name: found, fetched, read, checked. A format is a file in
`formats/` and a row in its table."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
