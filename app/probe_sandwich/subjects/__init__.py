"""Subjects: the Transformers under diagnosis, their checkpoints, and many of them run as one stack."""
