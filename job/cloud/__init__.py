"""What Google Cloud tells a container: Vertex AI's variables, preemption, secrets."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
