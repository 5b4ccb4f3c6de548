"""The machine under a run: streams, memory, network, and its failures as sentences."""
