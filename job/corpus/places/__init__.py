"""The places in which a corpus lies, listed, and the split of each file there. A new kind of place
is a function that gives a `Listing`, and a branch in `job.corpus.files`."""
