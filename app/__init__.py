"""Probe Sandwich: which satisfiability Transformers generalize to longer formulas?"""
