"""Exact and approximate nearest-neighbour search."""
