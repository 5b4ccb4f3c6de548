"""The settings as a job for Vertex AI, a TPU VM or docker. Add a target as a file and a row."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
