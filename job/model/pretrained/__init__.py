"""A model by name: found or fetched, its tokenizer and network loaded, checked before training."""
