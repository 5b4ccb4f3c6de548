"""Spans in, counts out: F1, confusion, the report's page, the tables for a terminal.

To add a metric, write a function of counts in `scores` and give it a row in METRICS.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
