"""Subjects of other architectures than the zoo's."""
