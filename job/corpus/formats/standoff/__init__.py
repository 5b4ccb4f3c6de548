"""Annotations by offset beside or below their text; a tool's files are a module with a `Format`."""
