from .report import summary_table as summary_table
from .report import write_report as write_report
from .scores import EpochRecord as EpochRecord
from .scores import SplitResult as SplitResult
from .scores import score_spans as score_spans
