"""Metrics as per-example sufficient statistics plus a function of their sums."""
