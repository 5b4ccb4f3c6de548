"""Files in another encoding than UTF-8: what they are, and what to do about those that are refused.

A further one that can be told for certain is a module, asked by `decoded`.
"""
