from .conversion import convert as convert
from .evaluation import Evaluation as Evaluation
from .evaluation import evaluate as evaluate
from .prediction import predict as predict
from .run import TrainedModel as TrainedModel
from .run import train as train
