"""Which sentences a step takes, and the rows that they lie in."""
