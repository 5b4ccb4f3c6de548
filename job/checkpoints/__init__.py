"""Saves a run while it trains, commits by a manifest, and finds where to go on."""
