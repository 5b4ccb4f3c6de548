from .preemption import heeded as heeded
from .secret_manager import with_secrets as with_secrets
from .vertex_environment import LOST as LOST
from .vertex_environment import VertexEnvironment as VertexEnvironment
from .vertex_environment import is_lost as is_lost
from .vertex_environment import read_vertex as read_vertex
from .vertex_environment import require_one_machine as require_one_machine
