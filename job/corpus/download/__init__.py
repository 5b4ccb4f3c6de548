"""Fetches the files of a corpus from the web and Google Drive into the cache.

A site that sends pages in the place of files gets a file with its `next_url`, as google_drive has.
"""
