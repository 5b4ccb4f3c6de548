"""Spans in, counts out: F1, confusion, the report page, the last screen."""
