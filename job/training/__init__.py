"""One run, from prepared data to a published model."""
