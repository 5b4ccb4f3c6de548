from .cluster.machines import OneMachine as OneMachine
from .cluster.machines import join_cluster as join_cluster
from .hardware import Hardware as Hardware
from .table import choose_hardware as choose_hardware
from .table import where_to_get as where_to_get
from .tpu.remote import RemoteProgressLine as RemoteProgressLine
from .tpu.remote import RemoteStop as RemoteStop
