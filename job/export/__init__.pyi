from .folder import WRITTEN as WRITTEN
from .folder import export_model as export_model
from .open import open_model as open_model
from .tagger import Tagger as Tagger
from .text_io import Output as Output
from .text_io import is_json_lines as is_json_lines
from .text_io import open_output as open_output
from .text_io import read_texts as read_texts
