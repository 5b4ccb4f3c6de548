"""Names and words that are not ours, and what is meant. A name of another trainer is a line of
`foreign.FOREIGN`."""
