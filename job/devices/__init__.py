"""CPU, GPU, TPU cores, several machines: one table. Add an accelerator as a file and a row."""
