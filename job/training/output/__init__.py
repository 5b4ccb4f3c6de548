"""The output of a run: tried, held, and given what a run leaves there. A new file or folder in the
output is written by `publishing`, and tried before the run by `probe`."""
