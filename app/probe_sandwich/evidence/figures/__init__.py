"""Figures of what was predicted: how good, at what price, and whether a probability can be trusted."""
