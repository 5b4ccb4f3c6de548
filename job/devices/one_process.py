"""A cluster of one process for Lightning, whatever a cluster's launcher left behind.

Lightning looks for SLURM, LSF, MPI and torchrun by their variables, and for the rank of this
process in them; here it is told. The ranks are `job.ranks`' business.
"""

from pytorch_lightning.plugins.environments import ClusterEnvironment
from pytorch_lightning.utilities.rank_zero import rank_zero_only


class OneProcess(ClusterEnvironment):
    """A cluster of one: rank 0 of 1."""

    creates_processes_externally = True
    main_address = "127.0.0.1"
    main_port = 0  # nobody listens

    def __init__(self) -> None:
        rank_zero_only.rank = 0  # type: ignore[attr-defined]  # Lightning's own place

    @staticmethod
    def detect() -> bool:
        return True

    def world_size(self) -> int:
        return 1

    def set_world_size(self, size: int) -> None:
        """It stays one."""

    def global_rank(self) -> int:
        return 0

    def set_global_rank(self, rank: int) -> None:
        """It stays the first."""

    def local_rank(self) -> int:
        return 0

    def node_rank(self) -> int:
        return 0
