"""The environment in which torch_xla takes the CPU for a TPU, whose cores are threads."""

VIRTUAL = {
    "PJRT_DEVICE": "CPU",
    "XLA_THREAD_POOL_SIZE": "32",
    "PJRT_CPU_ASYNC_CLIENT": "0",
    "TPU_SKIP_MDS_QUERY": "1",
    "TPU_ACCELERATOR_TYPE": "v3-8",
    # What is compiled runs for a moment: that it compiles fast counts for more.
    "XLA_FLAGS": "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true",
    "OMP_NUM_THREADS": "1",
}
