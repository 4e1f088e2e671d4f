"""Logical formulas as symbol sequences: tasks, balanced sampling and exact labels."""
