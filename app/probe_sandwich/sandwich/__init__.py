"""The probe sandwich: noise -> generator -> frozen subject -> readout -> P(generalizer)."""
