"""The formats of corpora: each a file with a `Format`, and a row in `recognise.FORMATS`."""
