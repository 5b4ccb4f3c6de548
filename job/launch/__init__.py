"""The settings as a job for Vertex AI, a TPU VM or docker. Add a target as a file and a row."""
