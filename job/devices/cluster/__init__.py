"""Several machines of Vertex AI: they meet, train together, and end for one reason."""
