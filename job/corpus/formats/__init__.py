"""One file for each format of a corpus, and `recognise`, which tells them apart."""
