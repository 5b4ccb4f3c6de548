"""Fetches the files of a corpus from the web and Google Drive into the cache."""
