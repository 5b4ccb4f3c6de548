"""Saves a run while it trains, commits by a manifest, and finds where to go on. What else a
checkpoint is to hold goes into `trainer_state.state_of` and is put back beside it."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
