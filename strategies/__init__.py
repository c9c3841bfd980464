"""Hypothesis strategies: what a scenario sends."""
