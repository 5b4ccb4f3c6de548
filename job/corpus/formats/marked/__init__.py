"""Texts whose mentions are marked, alone or beside the sentence.

A new way of marking is a row of `WAYS` in `text`.
"""
