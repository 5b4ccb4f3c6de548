from .preemption import stop_when_preempted as stop_when_preempted
from .secret_manager import read_secret as read_secret
from .vertex_environment import LOST as LOST
from .vertex_environment import VertexEnvironment as VertexEnvironment
from .vertex_environment import is_lost as is_lost
from .vertex_environment import read_vertex as read_vertex
from .vertex_environment import require_one_machine as require_one_machine
