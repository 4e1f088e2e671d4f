"""Evidence: the experiment, its figures, and the report."""
