from .conversion import convert as convert
from .prediction import predict as predict
from .run import TrainedModel as TrainedModel
from .run import train as train
