"""The report: tables of predictions, tables of figures, sentences and plots."""
