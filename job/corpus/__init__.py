"""A corpus by name: found, fetched, read, checked. Add a format in `formats/`."""
