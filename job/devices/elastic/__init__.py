"""One rank on each device of each machine, started and watched by torch.distributed.elastic.

    agent     one a machine: starts the ranks, hears signals, has the exit code
    handler   the agents meet, round after round, in the order of CLUSTER_SPEC
    rank      a process on one device; `peers` is what it knows of the others

All they say to each other, but for gradients, goes through a store at the port of machine 0.
"""
