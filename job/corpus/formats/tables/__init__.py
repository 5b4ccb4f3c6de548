"""Tables with a header or cells of their own (CSV, sheets): a unit, a sentence, a span, or a text
and a list of spans a row.

Another kind of row is a row in `formats.KINDS` and a module that reads it.
"""
