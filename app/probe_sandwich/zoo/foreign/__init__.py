"""The foreign test set: subjects of other architectures, trained here and never learned from."""
