"""The devices that a run computes on: CPU, GPU, the cores of a TPU, and several machines.

An accelerator is a class of `hardware.Hardware` in a file of its own, a row of
`table.ACCELERATORS`, and a choice of the argument ACCELERATOR.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
