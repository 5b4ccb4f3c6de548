"""News from Google Cloud for a running container: Vertex AI's variables, preemption, secrets.

Each source of such news is a file of its own.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
