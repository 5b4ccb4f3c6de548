"""The job for other programs and notebooks, each command a function: `from job.api import train`.

A command is added as a module that reads its arguments, does its work
`as_guest` and hands back values; errors are raised as a JobError.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
