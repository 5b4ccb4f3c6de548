"""What Google Cloud tells a container: Vertex AI's variables, preemption, secrets."""
