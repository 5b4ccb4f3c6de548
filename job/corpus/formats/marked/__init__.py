"""Texts in which mentions are marked, alone or beside the sentence; a new way of marking is a row
of `WAYS` in `text`."""
