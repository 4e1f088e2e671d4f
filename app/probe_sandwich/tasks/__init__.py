"""Tasks: labelled families of inputs."""
