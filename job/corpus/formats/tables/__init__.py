"""Tables with a header or cells of their own (CSV, sheets): a unit, a sentence or a span a row.

Another kind of row is a row in `layout.KINDS` and a module that reads it.
"""
