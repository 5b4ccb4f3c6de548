"""The trained model as others use it: written, opened again, tagging."""
