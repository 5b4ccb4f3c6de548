"""One run, from prepared data to a published model. A new step of it is a function that takes what
`Prepared` holds; `job.train` then says when it comes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
