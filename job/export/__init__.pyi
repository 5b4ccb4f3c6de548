from .folder import WRITTEN as WRITTEN
from .folder import export_model as export_model
from .open import open_model as open_model
from .tagger import Tagger as Tagger
from .text_io import open_output as open_output
from .text_io import read_texts as read_texts
from .text_io import refuse_types as refuse_types
from .text_io import to_line as to_line
