"""Several machines of Vertex AI: how they meet, train together, and end for one reason."""
