"""Checkpoints: opening them, embedding texts, running heads."""
