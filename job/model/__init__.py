"""The pretrained network, its tokenizer, its head, and the Lightning module that trains them.

To add a head, write a class in `head` and give it a row in HEADS.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
