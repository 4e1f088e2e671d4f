"""`python -m probe_sandwich.cli`."""

from probe_sandwich.cli import app

app()
