"""The bytes of a JSON file → its values, of which large ones are never decoded as a whole.

Another way to lay values out in a file is a function in `values` that yields them.
"""
