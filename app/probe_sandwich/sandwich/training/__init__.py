"""Training a sandwich over labelled subjects; what serves imports nothing of it."""
