"""Formal languages from the literature on length generalization, from easy to hard."""
