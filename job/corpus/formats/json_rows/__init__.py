"""Rows of JSON, one a line or in one array, with spans or with tagged units.

Another shape of a row is read where `read` tells them apart; another document is a `Format`.
"""
