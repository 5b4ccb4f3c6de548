"""The machine that a process runs on: streams, memory, network, other processes, their failures.

Here belongs what asks or prepares the operating system and knows nothing of corpora, models and
stores: it imports nothing of the job but its errors. A file for each thing that a machine has.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
