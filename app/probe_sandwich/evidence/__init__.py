"""Evidence: cross-validation by configuration, baselines, metrics, and the report."""
