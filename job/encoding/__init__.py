"""Sentences with spans to wordpieces with labels, and labels back to spans."""
