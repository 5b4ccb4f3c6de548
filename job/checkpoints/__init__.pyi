from .callback import Checkpoints as Checkpoints
from .callback import Progressed as Progressed
from .callback import progressed as progressed
from .saver import Saver as Saver
from .state import differing_shapes as differing_shapes
from .state import load_state as load_state
from .store import Checkpoint as Checkpoint
from .store import CheckpointStore as CheckpointStore
