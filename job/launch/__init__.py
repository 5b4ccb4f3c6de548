"""The settings as a job for Vertex AI, a TPU VM or docker.

A new target is a file with a `Target` and a row in `target`; a field of `settings` that it takes
names it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
