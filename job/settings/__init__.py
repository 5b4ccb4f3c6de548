"""Every argument of the job, and how flags, environment and `.env` become one frozen value.

A new argument is a field of `run_settings` or `corpus_settings`, with its description for `--help`.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
