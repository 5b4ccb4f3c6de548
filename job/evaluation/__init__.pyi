from .report import write_report as write_report
from .results import EpochRecord as EpochRecord
from .results import SplitResult as SplitResult
from .scores import METRICS as METRICS
from .scores import Counts as Counts
from .scores import score_spans as score_spans
from .terminal import last_screen as last_screen
from .terminal import summary_table as summary_table
