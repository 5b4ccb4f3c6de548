"""The fault matrix: what may go wrong, put in the way of whole runs and of single transfers."""
