"""The targets of `spec`, in the order in which people read of them: a new one is a row here."""

from job.launch.docker import DOCKER
from job.launch.settings import Target
from job.launch.tpu_vm import TPU_VM
from job.launch.tuning import HPTUNING
from job.launch.vertex import GPU, MULTINODE, TPU

TARGETS: dict[str, Target] = {
    target.name: target for target in (GPU, MULTINODE, TPU, HPTUNING, TPU_VM, DOCKER)
}
