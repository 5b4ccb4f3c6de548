"""Names that are not ours, and which of ours is meant. One of another trainer is a line of
`foreign.FOREIGN`."""
