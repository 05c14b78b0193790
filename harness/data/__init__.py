"""Readers of original release formats, and the fingerprint of what was read."""
