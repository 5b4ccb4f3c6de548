"""Fine-tunes a Korean named-entity model, on a laptop and in the cloud, from the same arguments."""

__version__ = "0.1.0"
