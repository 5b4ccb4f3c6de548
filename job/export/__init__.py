"""The trained model as others use it: written, opened again, tagging.

To add a file to the exported folder, write it in `folder` and name it in WRITTEN.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
